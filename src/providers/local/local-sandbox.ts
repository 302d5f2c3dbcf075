import { randomUUID } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Call } from "../../core/call.ts";
import type { Disposable } from "../../core/disposable-store.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { Command, ExitStatus, Process, Sandbox } from "../../core/sandbox.ts";
import { checkWorkspacePath } from "../../core/workspace-path.ts";
import { toProcess } from "../posix/supervised-process.ts";
import { superviseCommand, type Supervision, toControlLine } from "../posix/supervise.ts";
import { createNonce } from "../posix/trailer-filter.ts";
import { createWorkspaceFiles } from "../posix/workspace-files.ts";
import { checkEnv } from "./check-spec.ts";
import { watchDisk } from "./disk-watch.ts";
import { INSIDE, killNotedRuns, noteRun, removeSandboxFolder, SCRIPT_PATHS } from "./sandbox-folder.ts";
import type { SandboxRecord } from "./sandbox-record.ts";
import { CONTROL_FD, type Run, spawnRun } from "./spawn-run.ts";

/** Turns a supervised command into what is spawned on the host; one per boundary. */
export interface Boundary {
  /** Whether the sandbox has perl, without which there are no terminals. */
  readonly hasPerl: boolean;
  /** `options` go NUL-ended to descriptor 4. */
  enter(
    argv: readonly string[],
    env: Readonly<Record<string, string>>,
  ): { readonly argv: string[]; readonly options: string[] };
  /** Frees what the boundary holds for this sandbox. */
  remove(): void;
}

const KILL_GRACE_MS = 1000;

/** A sandbox that is a folder: each command gets namespaces of its own, which end with it. */
export function createLocalSandbox(record: SandboxRecord, folder: string, boundary: Boundary): Sandbox {
  const expiresAt = new Date(record.expiresAt);
  /** What runs now, with the way to end it as lost. */
  const running = new Map<Run, (reason: string) => void>();

  const checkAlive = (): void => {
    if (Date.now() >= expiresAt.getTime())
      throw new SandboxError(
        "not-found",
        `The local sandbox ended at ${expiresAt.toISOString()}, its time limit. Start a new session.`,
      );
    if (!isAlive(folder))
      throw new SandboxError("not-found", `The local sandbox ${record.id} is gone. Start a new session.`);
  };

  const exec = async (command: Command, call: Call): Promise<Process> => {
    call.signal.throwIfAborted();
    checkAlive();
    const nonce = createNonce();
    const entered = boundary.enter(toSupervised(command, boundary.hasPerl), toEnv(record, command));
    const run = await spawnRun(entered.argv, { options: entered.options, nonce });
    return attend(run, nonce, { command, call, record, folder, running, expiresAt });
  };

  return {
    id: record.id,
    workspace: INSIDE.workspace,
    expiresAt,
    exec,
    ...createWorkspaceFiles(exec, INSIDE),
    destroy: async () => {
      rmSync(join(folder, "record.json"), { force: true });
      for (const end of running.values()) end("The sandbox was destroyed.");
      killNotedRuns(folder);
      await Promise.all([...running.keys()].map((run) => run.gone));
      await removeSandboxFolder(folder);
      boundary.remove();
    },
  };
}

interface Attendance {
  readonly command: Command;
  readonly call: Call;
  readonly record: SandboxRecord;
  readonly folder: string;
  readonly running: Map<Run, (reason: string) => void>;
  readonly expiresAt: Date;
}

/** Makes the Process, and sees to it that it ends with the abort signal, the sandbox's time or its disk. */
function attend(run: Run, nonce: string, about: Attendance): Process {
  let ending: ExitStatus | undefined;
  const kill = (status: ExitStatus): void => {
    ending ??= status;
    run.child.kill("SIGKILL");
  };
  const watch = watchEnds(run, about, kill);
  const send = async (text: string): Promise<void> => void run.control.write(text);
  return toProcess({
    nonce,
    stdout: run.stdout,
    ...(about.command.pty ? {} : { stderr: run.stderr }),
    write: (data) => write(run, data),
    closeStdin: async () => void run.stdin.end(),
    signal: (name) => send(toControlLine(name)),
    resize: (size) => send(toControlLine(size)),
    // Its watcher may still get to tell of the SIGKILL by which we, or whoever else destroyed the sandbox, ended it.
    overrule: (status) => {
      const isKilled = status.kind === "signaled" && status.signal === "SIGKILL";
      return isKilled ? (ending ?? tellLoss(about.folder, status)) : status;
    },
    whenLost: async () => {
      await run.gone;
      return ending ?? tellLoss(about.folder, WATCHER_KILLED);
    },
    release: () => {
      void watch.dispose();
      for (const stream of [run.stdin, run.control]) stream.destroy();
    },
  });
}

/** Everything that ends a run from outside; until disposed. */
function watchEnds(run: Run, about: Attendance, kill: (status: ExitStatus) => void): Disposable {
  const { signal } = about.call;
  const end = (reason: string): void => kill({ kind: "lost", reason });
  let grace: NodeJS.Timeout | undefined;
  const abort = (): void => {
    run.control.write(toControlLine("KILL"));
    grace = setTimeout(() => kill({ kind: "signaled", signal: "SIGKILL" }), KILL_GRACE_MS);
  };
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  const expiry = setTimeout(() => end("The sandbox reached its time limit."), about.expiresAt.getTime() - Date.now());
  const disk = watchDisk(about.folder, about.record.spec.diskMiB, end);
  const forget = noteRun(about.folder, run.child.pid ?? 0);
  about.running.set(run, end);
  return {
    dispose: () => {
      signal.removeEventListener("abort", abort);
      clearTimeout(grace);
      clearTimeout(expiry);
      void disk.dispose();
      forget();
      about.running.delete(run);
    },
  };
}

const WATCHER_KILLED: ExitStatus = {
  kind: "lost",
  reason: "The process that watches the command was killed, by the command itself or from outside.",
};

function tellLoss(folder: string, otherwise: ExitStatus): ExitStatus {
  return isAlive(folder) ? otherwise : { kind: "lost", reason: "The sandbox was destroyed." };
}

function isAlive(folder: string): boolean {
  return existsSync(join(folder, "record.json"));
}

async function write(run: Run, data: Uint8Array): Promise<void> {
  if (run.stdin.destroyed || run.stdin.writableEnded || run.stdin.write(data)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      run.stdin.off("drain", done);
      run.stdin.off("close", done);
      resolve();
    };
    run.stdin.on("drain", done);
    run.stdin.on("close", done);
  });
}

function toSupervised(command: Command, hasPerl: boolean): string[] {
  const [program] = command.argv;
  if (!program || command.argv.some((argument) => argument.includes("\0")))
    throw new SandboxError("invalid", "A command needs a program, and no argument of it may hold a NUL byte.");
  if (command.pty && !hasPerl)
    throw new SandboxError(
      "unsupported",
      "A terminal in a local sandbox needs perl in /usr/bin. Install perl, or run without a terminal.",
    );
  const folder = command.cwd && command.cwd !== "." ? `/${checkWorkspacePath(command.cwd, "linux")}` : "";
  const supervision: Supervision = { controlFd: CONTROL_FD, cwd: INSIDE.workspace + folder };
  const streams: Supervision = hasPerl
    ? { stdio: command.pty ?? "pipes" }
    : { pidFile: `${INSIDE.private}/run-${randomUUID()}` };
  return superviseCommand(command.argv, { ...supervision, ...streams }, SCRIPT_PATHS);
}

function toEnv(record: SandboxRecord, command: Command): Record<string, string> {
  const own = { HOME: INSIDE.home, USER: "sandbox", LOGNAME: "sandbox", SHELL: "/bin/sh", LANG: "C.UTF-8" };
  const env = { ...own, ...(command.pty ? { TERM: "xterm-256color" } : {}), ...record.spec.env, ...command.env };
  checkEnv(env);
  return env;
}
