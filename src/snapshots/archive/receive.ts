import { comparePaths } from "../../core/workspace-path.ts";
import { whyUnsafeTarget } from "../link-target.ts";
import type { Entry } from "../manifest.ts";
import type { ObjectBatch, ObjectStore } from "../store/object-store.ts";
import { toFolders } from "../path-gate.ts";
import type { SkippedPath } from "../scan/scanner.ts";
import { readTar, type TarEntry, type TarLimits } from "./tar-reader.ts";

/** What came in an archive. */
export interface Received {
  /** In path order; folders only when nothing in them came. Contents are in the store. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly refused: readonly SkippedPath[];
}

/**
 * Takes an archive from a sandbox into the store; nothing of it touches the workspace. Links that lead out of the
 * workspace and anything that belongs to Git are refused as well.
 * @throws {SandboxError} what `readTar` and the store do; large contents stored until then do no harm
 */
export async function receiveTar(
  tar: AsyncIterable<Uint8Array>,
  store: ObjectStore,
  limits: TarLimits,
): Promise<Received> {
  const entries = new Map<string, Entry>();
  const refused: SkippedPath[] = [];
  const batch = store.openBatch();
  try {
    for await (const entry of readTar(tar, limits)) {
      const reason = whyRefused(entry);
      if (reason) refused.push({ path: entry.path, kind: "refused", reason });
      else if (entry.type !== "refused") entries.set(entry.path, await toStored(entry, batch));
      await batch.room();
    }
    await batch.finish();
  } finally {
    await batch.discard();
  }
  // Deleting while iterating a map is safe.
  for (const path of entries.keys()) for (const folder of toFolders(path)) entries.delete(folder);
  return { entries: new Map([...entries].sort(([a], [b]) => comparePaths(a, b))), refused };
}

function whyRefused(entry: TarEntry): string | undefined {
  if (entry.type === "refused") return entry.reason;
  if (entry.path.split("/").some((name) => name.toLowerCase() === ".git")) return "it belongs to Git";
  return entry.type === "link" ? whyUnsafeTarget(entry.path, entry.target) : undefined;
}

async function toStored(entry: Exclude<TarEntry, { type: "refused" }>, batch: ObjectBatch): Promise<Entry> {
  if (entry.type === "link") return { type: "link", target: entry.target };
  if (entry.type === "directory") return { type: "directory" };
  const { executable } = entry;
  return { type: "file", ...(await batch.put(entry.content)), executable };
}
