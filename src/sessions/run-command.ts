import { open } from "node:fs/promises";
import { basename, relative } from "node:path/posix";
import { join } from "node:path";
import type { Command, ExitStatus } from "../core/sandbox.ts";
import { SandboxError } from "../core/sandbox-error.ts";
import { toDisplay } from "../core/workspace-path.ts";
import { isTypeScriptRunner, resolveLanguage, toInterpreterName } from "./languages.ts";
import type { RunCommand, RunRequest, Target } from "./records.ts";

const MAX_FIRST_LINE_BYTES = 512;
const DEFAULT_SIZE = { columns: 80, rows: 24 };
const SHELLS: ReadonlySet<string> = new Set(["sh", "bash", "dash", "zsh"]);
const SHELL = "if command -v bash >/dev/null 2>&1; then exec bash -i; fi; exec sh -i";

/**
 * What to execute for a run. Without it Python keeps output back when it writes to a pipe.
 * @param readSnapshot the text of a file of the snapshot that is run, "" for one that is not there
 * @throws {SandboxError} `invalid` when nobody knows how to run the file
 */
export async function toCommand(
  request: RunRequest,
  readSnapshot: (snapshotId: string, path: string) => Promise<string>,
): Promise<Command> {
  const pty = request.pty ?? (request.command.kind === "shell" ? DEFAULT_SIZE : undefined);
  const env = { PYTHONUNBUFFERED: "1", ...(pty ? { TERM: "xterm-256color" } : {}), ...request.env };
  const cwd = request.cwd === undefined ? {} : { cwd: request.cwd };
  const readLine = async (path: string): Promise<string> =>
    request.snapshotId === undefined
      ? await readFirstLine(join(request.workspaceRoot, path))
      : toFirstLine(await readSnapshot(request.snapshotId, path));
  return { argv: await toArgv(request, readLine), env, ...cwd, ...(pty ? { pty } : {}) };
}

async function toArgv(
  { command, cwd, overlays, languages }: RunRequest,
  readLine: (path: string) => Promise<string>,
): Promise<readonly string[]> {
  switch (command.kind) {
    case "argv":
      return command.argv;
    case "line":
      return ["sh", "-c", command.line];
    case "shell":
      return ["sh", "-c", SHELL];
    case "cell":
      // Its code is for an interpreter.
      return [];
    case "code":
      return [
        ...resolveLanguage(command.path, toFirstLine(command.text), languages),
        toArgument(command.path, cwd),
        ...command.args,
      ];
    case "file": {
      const overlay = overlays.find(({ path }) => path === command.path);
      const firstLine = overlay ? toFirstLine(overlay.text) : await readLine(command.path);
      return [...resolveLanguage(command.path, firstLine, languages), toArgument(command.path, cwd), ...command.args];
    }
  }
}

// A name that starts with a dash is no option.
function toArgument(path: string, cwd = ""): string {
  const argument = relative(cwd, path);
  return argument.startsWith("-") ? `./${argument}` : argument;
}

function toFirstLine(text: string): string {
  return text.slice(0, MAX_FIRST_LINE_BYTES).split("\n", 1)[0] ?? "";
}

async function readFirstLine(file: string): Promise<string> {
  const handle = await open(file, "r").catch((cause: unknown) => {
    throw new SandboxError("invalid", `${toDisplay(file)} cannot be read any more: was it removed?`, { cause });
  });
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_FIRST_LINE_BYTES), 0, MAX_FIRST_LINE_BYTES, 0);
    return toFirstLine(buffer.toString("utf8", 0, bytesRead));
  } finally {
    await handle.close();
  }
}

/** What people call a run that was given no title. */
export function toTitle(command: RunCommand): string {
  switch (command.kind) {
    case "file":
    case "code":
    case "cell":
      return basename(command.path);
    case "argv":
      return command.argv.join(" ").slice(0, 80);
    case "line":
      return command.line.trim().slice(0, 80);
    case "shell":
      return "Terminal";
  }
}

/**
 * What people should know when a limit killed the command, or undefined. A shell reports a signal as its number and
 * 128.
 */
export function explainKill(exit: ExitStatus, target: Target): string | undefined {
  if (hasEndedBy(exit, "SIGXFSZ", 25))
    return `A file grew over the sandbox's limit of ${target.diskMiB} MiB. Write less, or raise the limit (setting sandpiper.diskMiB).`;
  if (!hasEndedBy(exit, "SIGKILL", 9)) return undefined;
  return `The command was killed. Mostly that means that it ran out of memory: the limit is ${target.memoryMiB} MiB. Use less, or raise the limit (setting sandpiper.memoryMiB, or --memory).`;
}

function hasEndedBy(exit: ExitStatus, signal: string, number: number): boolean {
  return exit.kind === "signaled" ? exit.signal === signal : exit.kind === "exited" && exit.code === 128 + number;
}

/** What people should know when the sandbox lacks what the command needs, or undefined. A shell reports a missing program as code 127. */
export function explainMissingProgram(argv: readonly string[], exit: ExitStatus, target: Target): string | undefined {
  if (exit.kind !== "exited") return undefined;
  // What Node says of an option that it does not know.
  if (exit.code === 9 && isTypeScriptRunner(argv))
    return `TypeScript needs tsx, or Node 22.6 or newer, in the sandbox. ${toRemedy("a newer Node", target)}`;
  if (exit.code !== 127) return undefined;
  const name = toInterpreterName(argv);
  if (name.includes("/"))
    return `The command was not found in the sandbox (code 127): is ${toDisplay(name)} in the workspace, and not left out by an ignore rule?`;
  const where = target.providerId === "local" ? "the local sandbox" : `the image ${target.image ?? "of the sandbox"}`;
  // A shell that was not there would have failed at more than this.
  if (SHELLS.has(name))
    return `Something that the script calls was not found in ${where} (code 127). ${toRemedy("what it says above", target)}`;
  return `The command was not found in ${where} (code 127): is ${name} there? ${toRemedy(name, target)}`;
}

function toRemedy(what: string, { providerId }: Target): string {
  return providerId === "local"
    ? `Install ${what} on this machine, or run on another provider.`
    : `Choose an image that has ${what} (setting sandpiper.docker.image, or --image), or run on another provider.`;
}
