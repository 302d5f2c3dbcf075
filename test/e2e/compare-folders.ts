import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";

/** What `after` has otherwise than `before`, sorted by path: "A new.md", "M changed.md", "D gone.md". Files only. */
export function compareFolders(before: string, after: string): readonly string[] {
  const old = listFiles(before);
  const now = listFiles(after);
  const paths = [...new Set([...old, ...now])].sort();
  return paths.flatMap((path) => {
    if (!old.has(path)) return [`A ${path}`];
    if (!now.has(path)) return [`D ${path}`];
    return readFileSync(join(before, path)).equals(readFileSync(join(after, path))) ? [] : [`M ${path}`];
  });
}

function listFiles(folder: string): ReadonlySet<string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return new Set(
    entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name))),
  );
}
