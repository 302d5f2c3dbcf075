import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { parse } from "node:path";
import { Duplex, type Readable, type Writable } from "node:stream";
import { SandboxError } from "../../core/sandbox-error.ts";
import { toControlLine } from "../posix/supervise.ts";
import type { Run } from "./boundary.ts";
import { findInheritedFds } from "./inherited-fds.ts";

/** Descriptors that the command line of a run may count on. */
export const CONTROL_FD = 3;
export const OPTIONS_FD = 4;

const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

let inheritedFds: ReadonlySet<number> | undefined;

/** A spawned process, tied to us by pipes alone. */
export interface Spawned {
  readonly child: ChildProcess;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when it has gone. */
  readonly gone: Promise<void>;
}

/** What a spawned process gets besides its pipes. */
export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Starts programs of the host; replaced where tests want to see, or to stand in for, what is started. */
export type Spawner = (argv: readonly string[], pipes: number, options?: SpawnOptions) => Promise<Spawned>;

/** What of the host itself tests replace. */
export interface Host {
  readonly spawn: Spawner;
  /** Of the user we run as; -1 on Windows. */
  readonly uid: number;
}

/**
 * Spawns `argv` in a session of its own with as many pipes, from stdin on, and with nothing else of ours: neither the
 * environment nor descriptors.
 * @throws {SandboxError} `invalid` for a command line beyond the kernel's limit, else `unavailable`
 */
export async function spawnApart(
  argv: readonly string[],
  pipes: number,
  { env = { PATH: SYSTEM_PATH }, cwd = parse(process.cwd()).root }: SpawnOptions = {},
): Promise<Spawned> {
  const [program = "", ...args] = argv;
  const nothing = openSync(devNull, "r");
  const stdio = toStdio(pipes, nothing);
  const child = spawn(program, args, { stdio, cwd, env, detached: process.platform !== "win32", windowsHide: true });
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
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new SandboxError("unavailable", "The sandbox's streams could not be opened.");
  // The other side may end first; the process's end is what tells.
  stdin.on("error", ignore);
  return { child, stdin, stdout, stderr, gone };
}

function toStdio(pipes: number, nothing: number): ("pipe" | "ignore" | number)[] {
  inheritedFds ??= findInheritedFds();
  const stdio: ("pipe" | "ignore" | number)[] = Array.from({ length: pipes }, () => "pipe");
  // From descriptor 3 on, "ignore" leaves in place what there is.
  for (let fd = pipes; fd <= Math.max(...inheritedFds, 0); fd++) stdio.push(inheritedFds.has(fd) ? nothing : "ignore");
  return stdio;
}

/** What goes to bubblewrap and the supervisor besides the command line, which other users and the command itself can read. */
export interface RunInput {
  /** Sent NUL-ended on descriptor 4. */
  readonly options: readonly string[];
  /** The first line on descriptor 3. */
  readonly nonce: string;
}

/**
 * Spawns `argv`, sends it its input, and resolves when "started" has come on descriptor 3.
 * @throws {SandboxError} `unavailable` with what was said instead
 */
export async function spawnControlled(argv: readonly string[], { options, nonce }: RunInput): Promise<Run> {
  const spawned = await spawnApart(argv, 5);
  const control = toDuplex(spawned.child, CONTROL_FD);
  const optionsPipe = toDuplex(spawned.child, OPTIONS_FD);
  for (const stream of [control, optionsPipe]) stream.on("error", ignore);
  optionsPipe.end(options.map((option) => `${option}\0`).join(""));
  control.write(`${nonce}\n`);
  if (!(await hasStarted(control))) throw await explainFailure(spawned, control);
  return {
    ...spawned,
    nonce,
    pid: spawned.child.pid ?? 0,
    tell: async (request) => void control.write(toControlLine(request)),
    kill: () => void spawned.child.kill("SIGKILL"),
    dispose: () => {
      for (const stream of [spawned.stdin, control]) stream.destroy();
    },
  };
}

/** The two-way pipe at a descriptor from 3 on. */
export function toDuplex(child: ChildProcess, fd: number): Duplex {
  const stream = child.stdio[fd];
  if (!(stream instanceof Duplex))
    throw new SandboxError("unavailable", "The sandbox's control channel could not be opened.");
  return stream;
}

// The end of the channel tells, not that of the process: a command may be over before its "started" has been read.
function hasStarted(control: Duplex): Promise<boolean> {
  return new Promise((resolve) => {
    control.once("data", () => resolve(true));
    for (const over of ["end", "close"]) control.once(over, () => resolve(false));
  });
}

async function explainFailure(spawned: Spawned, control: Duplex): Promise<SandboxError> {
  let text = "";
  for await (const chunk of spawned.stderr) text += String(chunk);
  control.destroy();
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
