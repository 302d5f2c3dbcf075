import { type Entry, isSameEntry } from "../manifest.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { foldName } from "../path-gate.ts";

/** What tools run of a package manifest by themselves (at installing, committing, opening), by name of the file. */
const RUN_BY_ITSELF: ReadonlyMap<string, readonly string[]> = new Map([
  [
    "package.json",
    [
      "scripts",
      // Hooks of Git.
      "husky",
      "lint-staged",
      "nano-staged",
      "simple-git-hooks",
      "gitHooks",
      "pre-commit",
      "pre-push",
      // What package managers fetch and run, and which packages may run scripts.
      "packageManager",
      "pnpm",
      "trustedDependencies",
      "allowScripts",
      // Editors load the plugins that these name.
      "eslintConfig",
      "prettier",
      "stylelint",
    ],
  ],
  ["composer.json", ["scripts"]],
]);

const REASON = "it says what package managers, Git or your editor run by themselves";
/** No manifest that people write is larger. */
const MAX_BYTES = 1024 * 1024;

/**
 * Why a change to a package manifest (`package.json` in any folder) is applied only when it is named: what tools run by
 * themselves differs, or cannot be told. Undefined for other files, and where that is the same on both sides.
 */
export async function whyProtectedManifest(
  change: { readonly path: string; readonly base?: Entry; readonly theirs?: Entry },
  store: ObjectStore,
): Promise<string | undefined> {
  const { path, base, theirs } = change;
  const fields = RUN_BY_ITSELF.get(foldName(path.slice(path.lastIndexOf("/") + 1).replace(/\p{Cf}/gu, "")));
  if (!fields || theirs === undefined || theirs.type === "directory" || isSameEntry(base, theirs)) return undefined;
  const after = await readFields(theirs, fields, store);
  const before = base === undefined ? toComparable({}, fields) : await readFields(base, fields, store);
  return after !== undefined && after === before ? undefined : REASON;
}

async function readFields(entry: Entry, fields: readonly string[], store: ObjectStore): Promise<string | undefined> {
  if (entry.type !== "file" || entry.sizeBytes > MAX_BYTES) return undefined;
  try {
    const pieces: Uint8Array[] = [];
    for await (const piece of store.read(entry.sha256)) pieces.push(piece);
    const value: unknown = JSON.parse(new TextDecoder().decode(Buffer.concat(pieces)));
    return typeof value === "object" && value !== null ? toComparable(value, fields) : undefined;
  } catch {
    // Not kept any more, or not JSON: what a tool makes of it cannot be told.
    return undefined;
  }
}

function toComparable(manifest: object, fields: readonly string[]): string {
  const values = new Map<string, unknown>(Object.entries(manifest));
  return JSON.stringify(fields.map((field) => toSorted(values.get(field)) ?? null));
}

/** The order in which scripts stand says nothing. */
function toSorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => toSorted(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => [key, toSorted(item)]);
}
