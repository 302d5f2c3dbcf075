import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Call } from "../../core/call.ts";
import type { Disposable } from "../../core/disposable-store.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { Command, ExitStatus, Process, Sandbox } from "../../core/sandbox.ts";
import { checkWorkspacePath } from "../../core/workspace-path.ts";
import { checkCommand } from "../check-spec.ts";
import { createDriverInterpreter } from "../posix/interpreter/driver-interpreter.ts";
import { toProcess } from "../posix/supervised-process.ts";
import { createWorkspaceFiles } from "../posix/workspace-files.ts";
import type { Boundary, FullCommand, Places, Run } from "./boundary.ts";
import { watchDisk } from "./disk-watch.ts";
import { killNotedRuns, noteRun, removeSandboxFolder } from "./sandbox-folder.ts";
import type { SandboxRecord } from "./sandbox-record.ts";

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
    const run = await boundary.start(toFull(command, record, boundary));
    return attend(run, { command, call, record, folder, running, expiresAt, boundary });
  };

  return {
    id: record.id,
    workspace: boundary.places.workspace,
    expiresAt,
    exec,
    ...createWorkspaceFiles(exec, boundary.places),
    interpreter: createDriverInterpreter(exec, boundary.places.workspace),
    destroy: async () => {
      rmSync(join(folder, "record.json"), { force: true });
      for (const end of running.values()) end("The sandbox was destroyed.");
      killNotedRuns(folder);
      await Promise.all([...running.keys()].map((run) => run.gone));
      await boundary.remove();
      await removeSandboxFolder(folder);
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
  readonly boundary: Boundary;
}

/** Makes the Process, and sees to it that it ends with the abort signal, the sandbox's time or its disk. */
function attend(run: Run, about: Attendance): Process {
  let ending: ExitStatus | undefined;
  const kill = (status: ExitStatus): void => {
    ending ??= status;
    run.kill();
  };
  const watch = watchEnds(run, about, kill);
  return toProcess({
    nonce: run.nonce,
    stdout: run.stdout,
    ...(about.command.pty ? {} : { stderr: run.stderr }),
    write: (data) => write(run, data),
    closeStdin: async () => void run.stdin.end(),
    signal: (name) => run.tell(name),
    resize: (size) => run.tell(size),
    // Its watcher may still get to tell of the SIGKILL by which we, or whoever else destroyed the sandbox, ended it.
    overrule: (status) => {
      const isKilled = status.kind === "signaled" && status.signal === "SIGKILL";
      return isKilled ? (ending ?? tellLoss(about.folder, status)) : status;
    },
    whenLost: async () => {
      await run.gone;
      const reason = await run.whyEnded?.();
      return ending ?? (reason ? { kind: "lost", reason } : tellLoss(about.folder, WATCHER_KILLED));
    },
    release: () => {
      void watch.dispose();
      run.dispose();
    },
  });
}

/** Everything that ends a run from outside; until disposed. */
function watchEnds(run: Run, about: Attendance, kill: (status: ExitStatus) => void): Disposable {
  const { signal } = about.call;
  const end = (reason: string): void => kill({ kind: "lost", reason });
  let grace: NodeJS.Timeout | undefined;
  const abort = (): void => {
    void run.tell("KILL").catch(() => {});
    grace = setTimeout(() => kill({ kind: "signaled", signal: "SIGKILL" }), KILL_GRACE_MS);
  };
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  const expiry = setTimeout(() => end("The sandbox reached its time limit."), about.expiresAt.getTime() - Date.now());
  const { watchedFolder } = about.boundary;
  const disk = watchedFolder ? watchDisk(watchedFolder, about.record.spec.diskMiB, end) : undefined;
  const forget = run.pid === undefined ? undefined : noteRun(about.folder, run.pid);
  about.running.set(run, end);
  return {
    dispose: () => {
      signal.removeEventListener("abort", abort);
      clearTimeout(grace);
      clearTimeout(expiry);
      void disk?.dispose();
      forget?.();
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

function toFull(command: Command, record: SandboxRecord, { places, whyNoTerminal }: Boundary): FullCommand {
  checkCommand(command);
  if (command.pty && whyNoTerminal) throw new SandboxError("unsupported", whyNoTerminal);
  const folder = command.cwd && command.cwd !== "." ? `/${checkWorkspacePath(command.cwd, "linux")}` : "";
  return { ...command, cwd: places.workspace + folder, env: toEnv(record, command, places) };
}

function toEnv(record: SandboxRecord, command: Command, places: Places): Record<string, string> {
  const own = { HOME: places.home, USER: "sandbox", LOGNAME: "sandbox", SHELL: "/bin/sh", LANG: "C.UTF-8" };
  return { ...own, ...(command.pty ? { TERM: "xterm-256color" } : {}), ...record.spec.env, ...command.env };
}
