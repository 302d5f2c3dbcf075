import { buffer, text } from "node:stream/consumers";
import type { SpawnedProcess } from "../../shared/spawner.ts";
import type { EmulatedSandbox } from "../sandbox.ts";
import type { SandboxUser } from "../users.ts";
import { ConnectError, type ConnectCode } from "./connect-json.ts";

// The daemon's work on files is done by a shell and find, inside, as root, where links and owners mean what they mean there.

/** JSON's form of `filesystem.EntryInfo`. */
export interface EntryInfo {
  readonly name: string;
  readonly type: "FILE_TYPE_FILE" | "FILE_TYPE_DIRECTORY" | "FILE_TYPE_UNSPECIFIED";
  readonly path: string;
  /** Bytes, in decimal. */
  readonly size: string;
  readonly mode: number;
  /** "drwxr-xr-x" */
  readonly permissions: string;
  readonly owner: string;
  readonly group: string;
  readonly modifiedTime: string;
  readonly symlinkTarget?: string;
}

/** What to do with which paths. */
interface FileOrder {
  readonly operation: "list" | "make-dir" | "move" | "read" | "remove" | "resolve" | "stat" | "write";
  readonly path: string;
  /** The other path of a move, or the depth of a list. */
  readonly other?: string;
  /** Who owns what is made. */
  readonly user: SandboxUser;
}

const ENV = { PATH: "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C.UTF-8" };
const CODES: Readonly<Record<number, ConnectCode>> = { 64: "invalid_argument", 65: "not_found", 66: "already_exists" };
const TYPES: Readonly<Record<string, EntryInfo["type"]>> = { f: "FILE_TYPE_FILE", d: "FILE_TYPE_DIRECTORY" };
/** find's words for what an entry has; a NUL ends each. %Y is the type of what a link leads to. */
const FIELDS = {
  name: "%f",
  path: "%p",
  type: "%y",
  target: "%Y",
  size: "%s",
  mode: "%m",
  permissions: "%M",
  owner: "%u",
  group: "%g",
  time: "%T@",
  link: "%l",
} as const;
const FORMAT = Object.values(FIELDS)
  .map((field) => `${field}\\0`)
  .join("");

const SCRIPT = `
operation=$1 path=$2 other=$3 owner=$4
fail() { printf '%s' "$2" >&2; exit "$1"; }
exists() { [ -e "$path" ] || [ -L "$path" ] || fail 65 "file not found: $path: no such file or directory"; }
own() { chown -h "$owner:$owner" "$@" 2>/dev/null || :; }
make() {
  [ -d "$1" ] && return
  [ -e "$1" ] && fail 70 "path is a file: $1"
  make "$(dirname -- "$1")"; mkdir -- "$1" || exit 70; own "$1"
}
print() { find "$path" -mindepth "$1" -maxdepth "$2" -printf '${FORMAT}'; }
case $operation in
list)
  [ -e "$path" ] || fail 65 "path not found: $path"
  [ -d "$path" ] || fail 64 "path is not a directory: $path"
  case $path in */) ;; *) path=$path/ ;; esac
  print 1 "$other" ;;
stat) exists; print 0 0 ;;
resolve) [ -d "$path" ] || fail 65 "path $path not found"; exec realpath -- "$path" ;;
make-dir)
  [ -d "$path" ] && fail 66 "directory already exists: $path"
  [ -e "$path" ] && fail 64 "path already exists but it is not a directory: $path"
  make "$path"; print 0 0 ;;
move)
  exists; make "$(dirname -- "$other")"
  mv -T -- "$path" "$other" || exit 70
  path=$other; print 0 0 ;;
remove) exec rm -rf -- "$path" ;;
read)
  [ -e "$path" ] || fail 65 "path '$path' does not exist"
  [ -d "$path" ] && fail 64 "path '$path' is a directory"
  stat -L -c %s -- "$path"; exec cat -- "$path" ;;
write)
  make "$(dirname -- "$path")"
  [ -d "$path" ] && fail 64 "path is a directory: $path"
  : >>"$path" || exit 70
  own "$path"; exec cat >"$path" ;;
esac
`;

/** Starts one; its output is its own. */
export async function startFileTool(sandbox: EmulatedSandbox, order: FileOrder): Promise<SpawnedProcess> {
  const machine = await sandbox.machine();
  const { operation, path, other = "", user } = order;
  const argv = ["sh", "-c", SCRIPT, "sh", operation, path, other, String(user.id)];
  return machine.start({ argv, env: ENV, workdir: "/" });
}

/** What {@link startFileTool}'s failure means. Resolves at its end. @throws ConnectError */
export async function checkFileTool({ ended, stderr }: SpawnedProcess): Promise<void> {
  const [{ code }, said] = await Promise.all([ended, text(stderr)]);
  if (code !== 0) throw new ConnectError(CODES[code ?? 0] ?? "internal", said);
}

/** Does it, and says what it has printed. */
async function runFileTool(sandbox: EmulatedSandbox, order: FileOrder): Promise<Buffer> {
  const process = await startFileTool(sandbox, order);
  process.stdin.end();
  const [printed] = await Promise.all([buffer(process.stdout), checkFileTool(process)]);
  return printed;
}

/** What there is, each as the daemon describes it, in the order of names. */
export async function readEntries(sandbox: EmulatedSandbox, order: FileOrder): Promise<EntryInfo[]> {
  const names = Object.keys(FIELDS);
  const values = (await runFileTool(sandbox, order)).toString().split("\0").slice(0, -1);
  return Array.from({ length: values.length / names.length }, (_, index) =>
    toEntry(toFields(names, values.slice(index * names.length))),
  ).sort((one, other) => (one.path < other.path ? -1 : 1));
}

function toFields(names: readonly string[], values: readonly string[]): EntryFields {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the names are those of the type
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? ""])) as EntryFields;
}

/** The path of a folder without links, as it is inside. */
export async function resolveFolder(sandbox: EmulatedSandbox, path: string, user: SandboxUser): Promise<string> {
  const printed = await runFileTool(sandbox, { operation: "resolve", path, user });
  return printed.toString().trimEnd();
}

/** Removes what is at a path. */
export async function removePath(sandbox: EmulatedSandbox, path: string, user: SandboxUser): Promise<void> {
  await runFileTool(sandbox, { operation: "remove", path, user });
}

/** find's fields are all there, in this order. */
type EntryFields = Record<
  "name" | "path" | "type" | "target" | "size" | "mode" | "permissions" | "owner" | "group" | "time" | "link",
  string
>;

function toEntry({
  name,
  path,
  type,
  target,
  size,
  mode,
  permissions,
  owner,
  group,
  time,
  link,
}: EntryFields): EntryInfo {
  return {
    name,
    type: TYPES[type === "l" ? target : type] ?? "FILE_TYPE_UNSPECIFIED",
    path: path.replace(/^\/+/, "/"),
    size,
    mode: Number.parseInt(mode, 8),
    permissions: permissions.replace(/^l/, "L"),
    owner,
    group,
    modifiedTime: new Date(Number(time) * 1000).toISOString(),
    ...(type === "l" ? { symlinkTarget: link } : {}),
  };
}
