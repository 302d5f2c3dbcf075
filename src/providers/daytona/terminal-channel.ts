import type { PtyHandle } from "@daytona/sdk";
import { PassThrough } from "node:stream";
import type { TerminalSize } from "../../core/sandbox.ts";
import { abortable } from "../abortable.ts";
import { toStartMark } from "./command-script.ts";
import type { Layout } from "./layout.ts";
import { toShellCommand } from "./shell-command.ts";
import { createStartFilter } from "./start-filter.ts";
import type { Channel, ChannelRequest } from "./channel.ts";

const CLOSE_TIMEOUT_MS = 10_000;
/** Daytona refuses more in either direction. */
const MOST_CELLS = 1000;
/** What Ctrl+D sends: a terminal has no other end of input. */
const END_OF_TRANSMISSION = Uint8Array.of(4);
const MOST_RECONNECTS = 5;

/** Runs a command in a terminal of Daytona's, whose bytes the SDK hands on as they are. */
export async function openTerminal(request: ChannelRequest, size: TerminalSize): Promise<Channel> {
  const { machine, plan, call, cut } = request;
  const { sandbox } = machine;
  const stdout = new PassThrough();
  const filter = createStartFilter(toStartMark(plan.nonce));
  const onData = (bytes: Uint8Array): void => {
    if (!stdout.writableEnded) stdout.write(filter.push(bytes));
  };
  const opening = Promise.all([
    sandbox.process.createPty({ id: plan.id, cols: toCells(size.columns), rows: toCells(size.rows), onData }),
    sandbox.fs.uploadFile(Buffer.from(plan.script), plan.scriptPath),
  ]);
  const close = async (): Promise<void> => {
    end();
    // Its end is not waited for, as nothing depends on it.
    void closeTerminal(request);
  };
  const end = (): void => {
    stdout.end();
    cut.removeEventListener("abort", end);
  };
  let pty: PtyHandle;
  try {
    [pty] = await abortable(opening, call.signal);
  } catch (error) {
    void opening.catch(() => {}).then(close);
    throw error;
  }
  if (cut.aborted) end();
  else cut.addEventListener("abort", end, { once: true });
  const current = { pty };
  void keepConnected(request, current, onData).finally(end);
  await pty.sendInput(toStartLine(machine.layout, plan.scriptPath));
  const ended = new Promise<void>((resolve) => {
    stdout.once("close", resolve);
  });
  const send = async (data: Uint8Array): Promise<void> => {
    // The shell's line editor would get it, in another mode of the terminal.
    await Promise.race([filter.started, ended]);
    await current.pty.sendInput(data);
  };
  return {
    stdout,
    write: send,
    closeStdin: () => send(END_OF_TRANSMISSION),
    resize: async ({ columns, rows }) => {
      await sandbox.process.resizePtySession(plan.id, toCells(columns), toCells(rows));
    },
    close,
  };
}

/** The shell that Daytona starts becomes the command. */
function toStartLine({ tools }: Layout, scriptPath: string): string {
  return `exec ${toShellCommand(["/bin/sh", `${tools}/terminal.sh`, "/bin/sh", scriptPath])}\n`;
}

/** Settles when the terminal is at its end. What it shows while a connection is broken is lost. */
async function keepConnected(
  { machine, plan, cut }: ChannelRequest,
  current: { pty: PtyHandle },
  onData: (bytes: Uint8Array) => void,
): Promise<void> {
  for (let attempt = 0; attempt < MOST_RECONNECTS && !cut.aborted; attempt++) {
    const { exitCode } = await current.pty.wait();
    if (exitCode !== undefined || cut.aborted) return;
    current.pty = await machine.sandbox.process.connectPty(plan.id, { onData });
  }
}

async function closeTerminal({ machine, plan, call }: ChannelRequest): Promise<void> {
  try {
    await abortable(machine.sandbox.process.killPtySession(plan.id), AbortSignal.timeout(CLOSE_TIMEOUT_MS));
  } catch {
    call.logger.debug("A terminal at Daytona could not be removed; it ends with its command.");
  }
}

function toCells(count: number): number {
  return Math.min(Math.max(1, count), MOST_CELLS);
}
