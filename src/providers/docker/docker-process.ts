import type { Container } from "dockerode";
import { randomBytes } from "node:crypto";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Call } from "../../core/call.ts";
import type { Command, ExitStatus, Process, ProcessSignal, TerminalSize } from "../../core/sandbox.ts";
import { checkWorkspacePath } from "../../core/workspace-path.ts";
import { checkCommand } from "../check-spec.ts";
import { signalCommand, superviseCommand } from "../posix/supervise.ts";
import { toProcess } from "../posix/supervised-process.ts";
import { createNonce } from "../posix/trailer-filter.ts";
import { PRIVATE_FOLDER, WORKSPACE, toEnvList } from "./container-options.ts";
import { demultiplex } from "./demultiplex.ts";
import { runHelper } from "./run-helper.ts";

/** After an abort: how long the kill from inside may take before every command is killed, and until we stop listening. */
const ABORT_STEPS_MS = [700, 700] as const;
/** What is still on its way when a container has ended may take this long. */
const END_GRACE_MS = 1000;
const SIGNAL_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 30_000;

// The daemon tells a terminal its size only after the command has started.
const SIZED = 'stty cols "$1" rows "$2" 2>/dev/null; shift 2; exec "$@"';

/** Starts a supervised command. @param whyLost tells the end of a command whose connection ended without saying it */
export async function startProcess(
  container: Container,
  command: Command,
  call: Call,
  whyLost: () => Promise<ExitStatus>,
): Promise<Process> {
  checkCommand(command);
  const nonce = createNonce();
  const pidFile = `${PRIVATE_FOLDER}/${randomBytes(8).toString("hex")}.pid`;
  const kill = createKill(container, pidFile);
  const isRaw = command.pty !== undefined;
  const exec = await container.exec({ ...toExecOptions(command, nonce, pidFile), abortSignal: call.signal });
  const connection = await untilAborted(call.signal, (abortSignal) =>
    exec.start({ hijack: true, stdin: true, Tty: isRaw, abortSignal }),
  ).catch((error: unknown) => {
    // It may have started all the same.
    if (call.signal.aborted) void kill("KILL").catch(() => {});
    throw error;
  });
  if (connection instanceof Socket) connection.setKeepAlive(true, KEEP_ALIVE_MS);
  const { stdout, stderr } = demultiplex(connection, isRaw);
  const stopWatching = killOnAbort(call.signal, container, connection, kill);
  const stopWaiting = cutAfterEnd(container, connection);
  return toProcess({
    nonce,
    stdout,
    ...(isRaw ? {} : { stderr }),
    write: (data) => write(connection, data),
    closeStdin: async () => {
      if (isRaw) await write(connection, Uint8Array.of(END_OF_TRANSMISSION));
      else connection.end();
    },
    signal: kill,
    resize: async (size) => {
      if (isRaw) await exec.resize(toDockerSize(size));
    },
    whenLost: whyLost,
    release: () => {
      stopWatching();
      stopWaiting();
      connection.destroy();
    },
  });
}

/** What Ctrl+D sends: a terminal has no other end of input. */
const END_OF_TRANSMISSION = 4;

function toExecOptions(command: Command, nonce: string, pidFile: string): Parameters<Container["exec"]>[0] {
  const cwd = command.cwd ? `${WORKSPACE}/${checkWorkspacePath(command.cwd, "linux")}` : WORKSPACE;
  const argv = superviseCommand(command.argv, { nonce, pidFile, cwd });
  const { pty } = command;
  return {
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: pty !== undefined,
    Env: toEnvList({ ...(pty ? { TERM: "xterm-256color" } : {}), ...command.env }),
    // The supervisor goes to the folder itself, so that one that is missing is told in our words.
    WorkingDir: "/",
    Cmd: pty ? ["/bin/sh", "-c", SIZED, "sandpiper", String(pty.columns), String(pty.rows), ...argv] : argv,
  };
}

function toDockerSize({ columns, rows }: TerminalSize): { h: number; w: number } {
  return { h: rows, w: columns };
}

function createKill(container: Container, pidFile: string): (name: ProcessSignal) => Promise<void> {
  return async (name) => {
    try {
      await runHelper(container, signalCommand(pidFile, name), AbortSignal.timeout(SIGNAL_TIMEOUT_MS));
    } catch (error) {
      if (name !== "KILL") throw error;
      // No room for another process, as after a fork bomb: the first process kills every command by itself.
      await killEverything(container);
    }
  };
}

async function killEverything(container: Container): Promise<void> {
  await container.kill({ signal: "SIGUSR1" });
}

/** Resolves when the bytes are on their way, so that a command that reads slowly holds the writer back. */
function write(connection: Duplex, data: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.write(data, (error) => (error ? reject(error) : resolve()));
  });
}

/** Passes an abort on only until `start` has settled: the library would cut the connection later too. */
async function untilAborted<T>(signal: AbortSignal, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const starting = new AbortController();
  const onAbort = (): void => starting.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await start(starting.signal);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Some runtimes leave the connection of a command open when its container has ended. */
function cutAfterEnd(container: Container, connection: Duplex): () => void {
  const waiting = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const cut = (): void => {
    if (!waiting.signal.aborted) timer = setTimeout(() => void connection.destroy(), END_GRACE_MS);
  };
  // A daemon that is gone has closed the connection too.
  void container.wait({ abortSignal: waiting.signal }).then(cut, () => {});
  return () => {
    clearTimeout(timer);
    waiting.abort();
  };
}

function killOnAbort(
  signal: AbortSignal,
  container: Container,
  connection: Duplex,
  kill: (name: ProcessSignal) => Promise<void>,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  const cut = (): void => void connection.destroy();
  const onAbort = (): void => {
    void kill("KILL").catch(() => {});
    timer = setTimeout(() => {
      void killEverything(container).catch(() => {});
      timer = setTimeout(cut, ABORT_STEPS_MS[1]);
    }, ABORT_STEPS_MS[0]);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  };
}
