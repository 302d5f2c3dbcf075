import { join } from "node:path";

/** What a cell showed, in a run's folder: one `CellOutput` per line as JSON, UTF-8, in order. A last line without its end is not whole yet. */
export function toResultsFile(runFolder: string): string {
  return join(runFolder, "results.ndjson");
}
