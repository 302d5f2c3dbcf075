import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { Duplex, type Readable, type Writable } from "node:stream";
import { SandboxError } from "../../core/sandbox-error.ts";
import { findHighestInheritedFd } from "./inherited-fds.ts";

/** A started command of a sandbox, seen from the host. */
export interface Run {
  readonly child: ChildProcess;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Takes the supervisor's control lines. */
  readonly control: Duplex;
  /** Resolves when the outermost process has gone. */
  readonly gone: Promise<void>;
}

/** Descriptors that the command line of a run may count on. */
export const CONTROL_FD = 3;
export const OPTIONS_FD = 4;

let highestInheritedFd: number | undefined;

/** What goes to a run besides its command line, which other users and the command itself can read. */
export interface RunInput {
  /** Sent NUL-ended on descriptor 4. */
  readonly options: readonly string[];
  /** The first line on descriptor 3. */
  readonly nonce: string;
}

/**
 * Spawns `argv`, sends it its input, and resolves when "started" has come on descriptor 3.
 * @throws {SandboxError} `unavailable` with what was said instead; `invalid` for a command line beyond the kernel's limit
 */
export async function spawnRun(argv: readonly string[], { options, nonce }: RunInput): Promise<Run> {
  highestInheritedFd ??= findHighestInheritedFd();
  const [program = "", ...args] = argv;
  const stdio: ("pipe" | number)[] = ["pipe", "pipe", "pipe", "pipe", "pipe"];
  // Not "ignore": from descriptor 3 on, that leaves what was inherited in place.
  const nothing = openSync("/dev/null", "r");
  while (stdio.length <= highestInheritedFd) stdio.push(nothing);
  const child = spawn(program, args, {
    stdio,
    cwd: "/",
    env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
    detached: true,
  });
  closeSync(nothing);
  const gone = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  try {
    await once(child, "spawn");
  } catch (cause) {
    throw toSpawnError(cause);
  }
  const run = toRun(child, gone);
  const optionsPipe = toDuplex(child, OPTIONS_FD);
  optionsPipe.on("error", ignore);
  optionsPipe.end(options.map((option) => `${option}\0`).join(""));
  run.control.write(`${nonce}\n`);
  if (!(await hasStarted(run))) throw await explainFailure(run);
  return run;
}

function toRun(child: ChildProcess, gone: Promise<void>): Run {
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new SandboxError("unavailable", "The sandbox's streams could not be opened.");
  const control = toDuplex(child, CONTROL_FD);
  // The other side may end first; the process's end is what tells.
  for (const stream of [stdin, control]) stream.on("error", ignore);
  return { child, stdin, stdout, stderr, control, gone };
}

function toDuplex(child: ChildProcess, fd: number): Duplex {
  const stream = child.stdio[fd];
  if (!(stream instanceof Duplex))
    throw new SandboxError("unavailable", "The sandbox's control channel could not be opened.");
  return stream;
}

async function hasStarted(run: Run): Promise<boolean> {
  const said = new Promise<boolean>((resolve) => {
    run.control.once("data", () => resolve(true));
    run.control.once("close", () => resolve(false));
  });
  return Promise.race([said, run.gone.then(() => false)]);
}

async function explainFailure(run: Run): Promise<SandboxError> {
  let text = "";
  for await (const chunk of run.stderr) text += String(chunk);
  run.control.destroy();
  return new SandboxError("unavailable", `The sandbox could not be entered: ${text.trim() || "it ended at once"}.`);
}

function toSpawnError(cause: unknown): SandboxError {
  if (cause instanceof Error && "code" in cause && cause.code === "E2BIG")
    return new SandboxError(
      "invalid",
      "The command line is too long for the system. Pass long texts by a file or stdin.",
      { cause },
    );
  return new SandboxError("unavailable", "The sandbox's tools could not be started.", { cause });
}

function ignore(): void {}
