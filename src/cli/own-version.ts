import { readFileSync } from "node:fs";

/** Sandpiper's version. @param entryUrl `import.meta.url` of an entry file, one folder below package.json in source and bundled */
export function readOwnVersion(entryUrl: string): string {
  const text = readFileSync(new URL("../package.json", entryUrl), "utf8");
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null && "version" in value ? String(value.version) : "unknown";
}
