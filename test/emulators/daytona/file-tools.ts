import type { Toolbox } from "./toolbox.ts";
import { ApiError } from "./api-error.ts";

/** `FileInfo` of the toolbox's API. */
interface FileInfo {
  readonly name: string;
  readonly path: string;
  readonly size: number;
  /** "-rw-r--r--" */
  readonly mode: string;
  readonly modTime: string;
  readonly modifiedAt: string;
  readonly isDir: boolean;
  readonly owner: string;
  readonly group: string;
  /** "0644" */
  readonly permissions: string;
}

/** find's, a NUL after each of {@link toFileInfo}'s fields. */
const FORMAT = ["f", "p", "y", "s", "m", "M", "U", "G", "T@"].map((field) => `%${field}\\0`).join("");
const FIELDS = 9;

/** What tools say, and the status that goes with it; the first that fits. */
const REFUSALS: readonly (readonly [said: RegExp, status: number, code: string])[] = [
  [/No such file or directory/, 404, "FILE_NOT_FOUND"],
  [/Permission denied|Operation not permitted/, 403, "FILE_ACCESS_DENIED"],
  [/File exists/, 409, "CONFLICT"],
];

/** Files as the sandbox's user sees them: what a path means, links included, is decided inside. Paths begin in the home folder. */
export class FileTools {
  readonly #toolbox: Toolbox;

  constructor(toolbox: Toolbox) {
    this.#toolbox = toolbox;
  }

  /** What is in a folder, `depth` levels deep, by name. Links are followed; what leads nowhere is left out. @throws 404, 403, 400 */
  async list(path: string, depth: number): Promise<FileInfo[]> {
    const folder = `${this.resolve(path).replace(/\/+$/, "")}/`;
    const argv = ["find", "-L", folder, "-mindepth", "1", "-maxdepth", String(depth), "-printf", FORMAT];
    const { stdout, stderr } = await this.#toolbox.run(argv);
    if (stderr !== "" && stdout.byteLength === 0) throw toRefusal(stderr);
    return toFileInfos(stdout).filter(({ mode }) => !mode.startsWith("l"));
  }

  /** @throws 404, 403 */
  async describe(path: string): Promise<FileInfo> {
    const printed = await this.#run(["find", "-L", this.resolve(path), "-maxdepth", "0", "-printf", FORMAT]);
    const [found] = toFileInfos(printed);
    if (!found || found.mode.startsWith("l")) throw toRefusal(`${path}: No such file or directory`);
    return found;
  }

  /** Octal mode. @throws 400 */
  async createFolder(path: string, mode: string): Promise<void> {
    if (!/^[0-7]{3,4}$/.test(mode)) throw new ApiError(400, "invalid mode format", { source: "DAYTONA_DAEMON" });
    const script = '[ -d "$0" ] || { mkdir -p -- "$0" && chmod "$1" -- "$0"; }';
    await this.#run(["sh", "-c", script, this.resolve(path), mode], 400);
  }

  /** @throws 404, 400 for a folder that is not to go with what it has */
  async delete(path: string, isRecursive: boolean): Promise<void> {
    const { isDir } = await this.describe(path);
    if (isDir && !isRecursive) {
      throw new ApiError(400, "cannot delete directory without recursive flag", { source: "DAYTONA_DAEMON" });
    }
    await this.#run(["rm", isRecursive ? "-rf" : "-f", "--", this.resolve(path)], 400);
  }

  /** @throws 404, 409 when there is something already */
  async move(from: string, to: string): Promise<void> {
    const script = `ls -d -- "$0" "$(dirname -- "$1")" >/dev/null || exit
      [ -e "$1" ] && { echo "$1: File exists" >&2; exit 1; }
      exec mv -T -- "$0" "$1"`;
    await this.#run(["sh", "-c", script, this.resolve(from), this.resolve(to)]);
  }

  /** @throws 404, 400 */
  async setPermissions(path: string, { mode, owner, group }: PermissionChange): Promise<void> {
    const target = this.resolve(path);
    await this.describe(path);
    if (mode) await this.#run(["chmod", mode, "--", target], 400);
    if (owner || group) await this.#run(["chown", `${owner ?? ""}:${group ?? ""}`, "--", target], 400);
  }

  /** Paths whose last name a shell's pattern fits. */
  async search(path: string, pattern: string): Promise<string[]> {
    const printed = await this.#run(["find", this.resolve(path), "-name", pattern, "-printf", "%p\\0"]);
    return printed.toString().split("\0").slice(0, -1);
  }

  /** Lines that have a text in them. */
  async find(path: string, text: string): Promise<object[]> {
    const { stdout } = await this.#toolbox.run(["grep", "-rnFIZ", "--", text, this.resolve(path)]);
    return stdout.toString().split("\n").slice(0, -1).map(toMatch);
  }

  /** Puts another text in the place of one, in each file. */
  async replace(paths: readonly string[], text: string, newText: string): Promise<object[]> {
    const script =
      "import sys; path, old, new = sys.argv[1:]; text = open(path).read(); open(path, 'w').write(text.replace(old, new))";
    return Promise.all(
      paths.map(async (file) => {
        const { code, stderr } = await this.#toolbox.run(["python3", "-c", script, this.resolve(file), text, newText]);
        return code === 0 ? { file, success: true } : { file, success: false, error: stderr.trim().split("\n").at(-1) };
      }),
    );
  }

  /** As the toolbox takes it: from the folder in which it was started. */
  resolve(path: string): string {
    return path.startsWith("/") ? path : `${this.#toolbox.parts.workdir}/${path}`;
  }

  /** @throws what the tool has said, with the status that goes with it, or else with `otherwise` */
  async #run(argv: readonly string[], otherwise = 400): Promise<Buffer> {
    const { code, stdout, stderr } = await this.#toolbox.run(argv);
    if (code !== 0) throw toRefusal(stderr, otherwise);
    return stdout;
  }
}

interface PermissionChange {
  readonly mode: string | null;
  readonly owner: string | null;
  readonly group: string | null;
}

/** What a tool's words mean to a client. */
export function toRefusal(said: string, otherwise = 400): ApiError {
  const [, status = otherwise, code] = REFUSALS.find(([pattern]) => pattern.test(said)) ?? [];
  return new ApiError(status, said.trim(), { source: "DAYTONA_DAEMON", ...(code === undefined ? {} : { code }) });
}

function toFileInfos(printed: Buffer): FileInfo[] {
  const fields = printed.toString().split("\0").slice(0, -1);
  return Array.from({ length: fields.length / FIELDS }, (_, index) =>
    toFileInfo(fields.slice(index * FIELDS, (index + 1) * FIELDS)),
  ).sort((one, other) => (one.path < other.path ? -1 : 1));
}

function toFileInfo([
  name = "",
  path = "",
  type,
  size,
  permissions = "",
  mode = "",
  owner = "",
  group = "",
  time,
]: string[]) {
  const modifiedAt = new Date(Number(time) * 1000).toISOString();
  const isDir = type === "d";
  const octal = permissions.padStart(4, "0");
  return {
    name,
    path,
    size: Number(size),
    mode,
    modTime: modifiedAt,
    modifiedAt,
    isDir,
    owner,
    group,
    permissions: octal,
  };
}

/** grep's: the file, a NUL, the number of the line, a colon and the line. */
function toMatch(printed: string): object {
  const [file = "", rest = ""] = printed.split("\0");
  const colon = rest.indexOf(":");
  return { file, line: Number(rest.slice(0, colon)), content: rest.slice(colon + 1) };
}
