/** The program behind the SDK's `sandbox.filesystem`, as it is called in a sandbox. */
const FS_TOOLS = "/__modal/.bin/modal-sandbox-fs-tools";

/** What to run in its place, and how to turn what that prints into what the program prints. */
export interface Stand {
  readonly argv: readonly string[];
  readonly toOutput?: (printed: Buffer) => Buffer;
}

const TYPES: Readonly<Record<string, string>> = { f: "file", d: "directory", l: "symlink" };
/** find's, a NUL after each of {@link toEntry}'s ten fields. */
const FORMAT = ["f", "p", "y", "s", "m", "M", "u", "g", "T@", "l"].map((field) => `%${field}\\0`).join("");
const FIELDS = 10;

const SCRIPT = `
operation=$1 path=$2 flag=$3
fail() { printf '{"error_kind":"%s","message":"%s","detail":""}' "$1" "$2" >&2; exit 1; }
exists() { [ -e "$path" ] || [ -L "$path" ] || fail NotFound "No such file or directory"; }
case $operation in
ReadFile)
  exists; [ -d "$path" ] && fail IsDirectory "Is a directory"
  exec cat -- "$path" ;;
WriteFile)
  [ -d "$path" ] && fail IsDirectory "Is a directory"
  mkdir -p -- "$(dirname -- "$path")" 2>/dev/null || fail NotDirectory "Not a directory"
  exec cat >"$path" ;;
ListFiles)
  exists; [ -d "$path" ] || fail NotDirectory "Not a directory"
  exec find "$path" -mindepth 1 -maxdepth 1 -printf '${FORMAT}' ;;
Stat)
  exists; exec find "$path" -maxdepth 0 -printf '${FORMAT}' ;;
MakeDirectory)
  if [ "$flag" = true ]; then mkdir -p -- "$path" 2>/dev/null || fail NotDirectory "Not a directory"; exit 0; fi
  [ -e "$path" ] && fail PathAlreadyExists "File exists"
  mkdir -- "$path" 2>/dev/null || fail NotFound "No such file or directory" ;;
Remove)
  exists
  if [ "$flag" = true ]; then exec rm -rf -- "$path"; fi
  if [ -d "$path" ] && [ ! -L "$path" ]; then rmdir -- "$path" 2>/dev/null || fail DirectoryNotEmpty "Directory not empty"
  else exec rm -f -- "$path"; fi ;;
*) fail NotSupported "Not supported" ;;
esac
`;

/** The program's stand-in for a command that calls it, made of a shell and find; undefined for all other commands. */
export function toFsTools([program, order = "{}"]: readonly string[]): Stand | undefined {
  if (program !== FS_TOOLS) return undefined;
  const [operation = "", { path, parents, recursive } = { path: "" }] = Object.entries(parse(order))[0] ?? [];
  const argv = ["sh", "-c", SCRIPT, "sh", operation, path, String(parents ?? recursive)];
  if (operation === "ListFiles") return { argv, toOutput: (printed) => toJson(toEntries(printed)) };
  if (operation === "Stat") return { argv, toOutput: (printed) => toJson(toEntries(printed)[0]) };
  return { argv };
}

type Orders = Record<string, { readonly path: string; readonly parents?: boolean; readonly recursive?: boolean }>;

/** The SDK writes it: `{"Stat": {"path": "/a"}}`. */
function parse(order: string): Orders {
  return JSON.parse(order);
}

function toEntries(printed: Buffer): { readonly name: string }[] {
  const fields = printed.toString().split("\0").slice(0, -1);
  return Array.from({ length: fields.length / FIELDS }, (_, index) =>
    toEntry(fields.slice(index * FIELDS, (index + 1) * FIELDS)),
  ).sort((one, other) => (one.name < other.name ? -1 : 1));
}

function toEntry([name = "", path, type = "", size, mode = "", permissions, owner, group, time, target]: string[]) {
  return {
    name,
    path,
    type: TYPES[type] ?? "file",
    size: Number(size),
    mode: Number.parseInt(mode, 8),
    permissions,
    owner,
    group,
    modified_time: Number(time),
    symlink_target: target || null,
  };
}

function toJson(value: unknown): Buffer {
  return Buffer.from(value === undefined ? "" : JSON.stringify(value));
}
