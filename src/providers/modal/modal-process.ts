import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { ContainerProcess, Sandbox } from "modal";
import type { Call } from "../../core/call.ts";
import type { Command, Process, ProcessSignal, TerminalSize } from "../../core/sandbox.ts";
import { checkWorkspacePath } from "../../core/workspace-path.ts";
import { abortable } from "../abortable.ts";
import { checkCommand } from "../check-spec.ts";
import { createStdinWriter } from "../posix/stdin-writer.ts";
import { resizeCommand, signalCommand, superviseCommand } from "../posix/supervise.ts";
import { toProcess } from "../posix/supervised-process.ts";
import { createNonce } from "../posix/trailer-filter.ts";
import { watchProcess } from "../posix/watch-process.ts";
import { spoolLongCommand } from "./command-line.ts";
import { toCuttable } from "./cuttable.ts";
import { FOLDERS, USER_ID } from "./layout.ts";
import type { Machine } from "./machine.ts";
import { runHelper } from "./run-helper.ts";
import { KILL_ALL_COMMAND, SCRIPT_PATHS, toEnter } from "./setup-script.ts";
import type { SandboxFacts } from "./tags.ts";
import { whyLost } from "./why-lost.ts";

const SIGNAL_TIMEOUT_MS = 10_000;
/** A command that has ended is told of a little after writing to it fails. */
const END_GRACE_MS = 2000;
/** What Ctrl+D sends: a terminal has no other end of input. */
const END_OF_TRANSMISSION = Uint8Array.of(4);

// For images without perl: Modal's own terminal, which is always 80 by 24 at first, and whose name the pid file gets.
const SIZED = `stty cols "$1" rows "$2" 2>/dev/null; tty >"$3.tty"; shift 3; exec "$@"`;
const RESIZE_OWN = `read -r terminal <"$1.tty" && stty -F "$terminal" cols "$2" rows "$3"; exit 0`;

/** How a command is started, and reached while it runs. */
interface Plan {
  readonly nonce: string;
  readonly pidFile: string;
  readonly argv: readonly string[];
  /** Modal's terminal instead of the supervisor's. */
  readonly hasModalTerminal: boolean;
}

/** Starts a supervised command. */
export async function startProcess(machine: Machine, command: Command, call: Call): Promise<Process> {
  checkCommand(command);
  call.signal.throwIfAborted();
  const hasPerl = command.pty === undefined || (await machine.hasPerl(call.signal));
  const plan = toPlan(command, hasPerl, machine.facts);
  const kill = createKill(machine.sandbox, plan.pidFile);
  const running = await start(machine, plan, command, call).catch((error: unknown) => {
    // It may have started all the same.
    if (call.signal.aborted) void kill("KILL").catch(() => {});
    throw error;
  });
  return attend(running, { machine, plan, command, call, kill });
}

function toPlan({ argv, cwd, pty }: Command, hasPerl: boolean, { creation }: SandboxFacts): Plan {
  const nonce = createNonce();
  const pidFile = `${FOLDERS.private}/${randomBytes(8).toString("hex")}.pid`;
  const folder = cwd && cwd !== "." ? `${FOLDERS.workspace}/${checkWorkspacePath(cwd, "linux")}` : FOLDERS.workspace;
  // Relayed: the streams that a command is given are root's, which others may not open by the names in /dev.
  const stdio = pty && hasPerl ? pty : "pipes";
  const supervised = superviseCommand(argv, { nonce, pidFile, cwd: folder, stdio, userId: USER_ID }, SCRIPT_PATHS);
  const hasModalTerminal = pty !== undefined && !hasPerl;
  const own = hasModalTerminal
    ? ["/bin/sh", "-c", SIZED, "sandpiper", String(pty.columns), String(pty.rows), pidFile, ...supervised]
    : supervised;
  return { nonce, pidFile, argv: [...toEnter(creation), ...own], hasModalTerminal };
}

async function start(
  { sandbox }: Machine,
  plan: Plan,
  command: Command,
  { signal }: Call,
): Promise<ContainerProcess<Uint8Array>> {
  const argv = await spoolLongCommand(sandbox, plan.argv, signal);
  const env = { ...(command.pty ? { TERM: "xterm-256color" } : {}), ...command.env };
  // The supervisor goes to the folder itself, so that one that is missing is told in our words.
  const options = { mode: "binary", workdir: "/", env, pty: plan.hasModalTerminal } as const;
  return abortable(sandbox.exec([...argv], options), signal);
}

interface Attendance {
  readonly machine: Machine;
  readonly plan: Plan;
  readonly command: Command;
  readonly call: Call;
  readonly kill: (name: ProcessSignal) => Promise<void>;
}

function attend(running: ContainerProcess<Uint8Array>, { machine, plan, command, call, kill }: Attendance): Process {
  const watch = watchProcess({
    signal: call.signal,
    destroyed: machine.destroyed,
    expiresAt: machine.facts.expiresAt,
    hasEnded: async () => (await machine.sandbox.poll()) !== null,
    kill: () => kill("KILL"),
    killAll: () => killAll(machine.sandbox),
  });
  const stdin = createStdinWriter(running.stdin);
  // Modal forgets a command's stdin with the command: what fails because of that is no failure, as `toProcess` sees then.
  const untilEnd = async (work: Promise<void>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      await Promise.race([process.exit, delay(END_GRACE_MS)]);
      throw error;
    }
  };
  const process: Process = toProcess({
    nonce: plan.nonce,
    stdout: toCuttable(running.stdout, watch.cut),
    ...(command.pty ? {} : { stderr: toCuttable(running.stderr, watch.cut) }),
    write: (data) => untilEnd(stdin.write(data)),
    closeStdin: () => untilEnd(plan.hasModalTerminal ? stdin.write(END_OF_TRANSMISSION) : stdin.close()),
    signal: kill,
    resize: async (size) => {
      if (command.pty) await resize(machine.sandbox, plan, size);
    },
    whenLost: () => whyLost(machine, call.signal),
    release: () => watch.dispose(),
  });
  return process;
}

async function resize(sandbox: Sandbox, { pidFile, hasModalTerminal }: Plan, size: TerminalSize): Promise<void> {
  const own = ["/bin/sh", "-c", RESIZE_OWN, "sandpiper", pidFile, String(size.columns), String(size.rows)];
  const argv = hasModalTerminal ? own : resizeCommand(pidFile, size);
  await runHelper(sandbox, argv, AbortSignal.timeout(SIGNAL_TIMEOUT_MS));
}

/** As root, whom no limit on processes binds: after a fork bomb there is no room for another of the user's. */
function createKill(sandbox: Sandbox, pidFile: string): (name: ProcessSignal) => Promise<void> {
  return async (name) => {
    await runHelper(sandbox, signalCommand(pidFile, name), AbortSignal.timeout(SIGNAL_TIMEOUT_MS));
  };
}

async function killAll(sandbox: Sandbox): Promise<void> {
  await runHelper(sandbox, KILL_ALL_COMMAND, AbortSignal.timeout(SIGNAL_TIMEOUT_MS));
}
