import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Call } from "../../core/call.ts";
import type { Command, Process, ProcessSignal, TerminalSize } from "../../core/sandbox.ts";
import { checkWorkspacePath } from "../../core/workspace-path.ts";
import { abortable } from "../abortable.ts";
import { checkCommand } from "../check-spec.ts";
import { createStdinWriter, type StdinWriter } from "../posix/stdin-writer.ts";
import { resizeCommand, signalCommand, superviseCommand } from "../posix/supervise.ts";
import { toProcess } from "../posix/supervised-process.ts";
import { createNonce } from "../posix/trailer-filter.ts";
import { watchProcess } from "../posix/watch-process.ts";
import { FOLDERS, USER } from "./layout.ts";
import type { Machine } from "./machine.ts";
import { runHelper } from "./run-helper.ts";
import { ENTER, KILL_ALL_COMMAND, SCRIPT_PATHS } from "./setup-script.ts";
import { splitOutput } from "./split-output.ts";
import { type StartedProgram, startProgram } from "./start-program.ts";
import { isGone } from "./state.ts";
import { whyLost } from "./why-lost.ts";

const SIGNAL_TIMEOUT_MS = 10_000;
/** A command that has ended is told of a little after writing to it fails. */
const END_GRACE_MS = 2000;

/**
 * Starts a supervised command. A terminal is the supervisor's own rather than E2B's, whose device belongs to root, so that
 * commands could not open it by its name (`/dev/stderr`); the same holds for the pipes.
 */
export async function startProcess(machine: Machine, command: Command, call: Call): Promise<Process> {
  checkCommand(command);
  call.signal.throwIfAborted();
  const nonce = createNonce();
  const pidFile = `${FOLDERS.private}/${randomBytes(8).toString("hex")}.pid`;
  const argv = toArgv(command, nonce, pidFile);
  const env = { ...(command.pty ? { TERM: "xterm-256color" } : {}), ...command.env };
  const kill = createKill(machine, pidFile);
  const cutting = new AbortController();
  const starting = startProgram(machine.sandbox, { argv, env, user: USER, hasInput: true }, cutting.signal);
  try {
    const program = await abortable(starting, call.signal);
    return attend(program, { machine, command, call, nonce, pidFile, kill, cutting });
  } catch (error) {
    cutting.abort();
    // It may have started all the same, and would go on where nobody hears it.
    void kill("KILL").catch(() => {});
    throw error;
  }
}

function toArgv({ argv, cwd, pty }: Command, nonce: string, pidFile: string): readonly string[] {
  const folder = cwd && cwd !== "." ? `${FOLDERS.workspace}/${checkWorkspacePath(cwd, "linux")}` : FOLDERS.workspace;
  const supervision = { nonce, pidFile, cwd: folder, stdio: pty ?? "pipes" } as const;
  return [...ENTER, ...superviseCommand(argv, supervision, SCRIPT_PATHS)];
}

interface Attendance {
  readonly machine: Machine;
  readonly command: Command;
  readonly call: Call;
  readonly nonce: string;
  readonly pidFile: string;
  readonly kill: (name: ProcessSignal) => Promise<void>;
  /** Ends the connection. */
  readonly cutting: AbortController;
}

function attend({ pid, output }: StartedProgram, attendance: Attendance): Process {
  const { machine, command, call, nonce, pidFile, kill, cutting } = attendance;
  const watch = watchProcess({
    signal: call.signal,
    destroyed: machine.destroyed,
    expiresAt: machine.expiresAt,
    hasEnded: () => isGone(machine.sandbox, AbortSignal.timeout(SIGNAL_TIMEOUT_MS)),
    kill: () => kill("KILL"),
    killAll: () => killAll(machine),
  });
  const cut = (): void => cutting.abort();
  watch.cut.addEventListener("abort", cut, { once: true });
  const { stdout, stderr } = splitOutput(output);
  const stdin = openStdin(machine, pid, cutting.signal);
  // E2B forgets a command's stdin with the command: what fails because of that is no failure, as `toProcess` sees then.
  const untilEnd = async (work: Promise<void>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      await Promise.race([process.exit, delay(END_GRACE_MS)]);
      throw error;
    }
  };
  const process: Process = toProcess({
    nonce,
    stdout,
    ...(command.pty ? {} : { stderr }),
    write: (data) => untilEnd(stdin.write(data)),
    closeStdin: () => untilEnd(stdin.close()),
    signal: kill,
    resize: async (size) => {
      if (command.pty) await resize(machine, pidFile, size);
    },
    whenLost: () => whyLost(machine, { aborted: call.signal, kill: () => kill("KILL") }),
    release: () => {
      watch.dispose();
      cut();
    },
  });
  return process;
}

/** Each chunk is a call, which takes as long as the command needs to take it in. */
function openStdin({ sandbox }: Machine, pid: number, cut: AbortSignal): StdinWriter {
  const options = { requestTimeoutMs: 0, signal: cut };
  return createStdinWriter(
    new WritableStream<Uint8Array>({
      write: (chunk) => sandbox.commands.sendStdin(pid, chunk, options),
      close: () => sandbox.commands.closeStdin(pid, options),
    }),
  );
}

async function resize({ sandbox }: Machine, pidFile: string, size: TerminalSize): Promise<void> {
  await runHelper(sandbox, resizeCommand(pidFile, size), AbortSignal.timeout(SIGNAL_TIMEOUT_MS));
}

/**
 * As root, whom no limit on processes binds: after a fork bomb there is no room for another of the user's. E2B's own signals
 * reach one process, not its group, and drop the output that is on its way.
 */
function createKill({ sandbox }: Machine, pidFile: string): (name: ProcessSignal) => Promise<void> {
  return async (name) => {
    await runHelper(sandbox, signalCommand(pidFile, name), AbortSignal.timeout(SIGNAL_TIMEOUT_MS));
  };
}

async function killAll({ sandbox }: Machine): Promise<void> {
  await runHelper(sandbox, KILL_ALL_COMMAND, AbortSignal.timeout(SIGNAL_TIMEOUT_MS));
}
