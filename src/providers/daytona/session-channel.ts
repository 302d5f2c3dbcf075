import type { Sandbox } from "@daytona/sdk";
import { setTimeout as delay } from "node:timers/promises";
import type { Call } from "../../core/call.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import { createStdinWriter, type StdinWriter } from "../posix/stdin-writer.ts";
import { demultiplex } from "./demultiplex.ts";
import { type LogSource, readLog } from "./log-stream.ts";
import type { Machine } from "./machine.ts";
import { toShellCommand } from "./shell-command.ts";
import type { Channel, ChannelRequest } from "./channel.ts";

const CLOSE_TIMEOUT_MS = 10_000;
/** A command that has ended is told of a little after writing to it fails. */
const END_GRACE_MS = 2000;
/** The version whose marks for stdout and stderr Daytona puts into a log; see `Process` of that SDK. */
const SDK_VERSION = "0.216.0";

/** Runs a command in a session of its own at Daytona and follows its log. */
export async function openSession({ machine, plan, call, cut }: ChannelRequest): Promise<Channel> {
  const { sandbox, layout } = machine;
  const uploaded = sandbox.fs.uploadFile(Buffer.from(plan.script), plan.scriptPath);
  const created = sandbox.process.createSession(plan.id);
  const opened = Promise.all([uploaded, created]);
  const start = async (): Promise<string> => {
    await opened;
    const command = toShellCommand(["/bin/sh", `${layout.tools}/relay.sh`, "/bin/sh", plan.scriptPath]);
    call.signal.throwIfAborted();
    const { cmdId } = await sandbox.process.executeSessionCommand(plan.id, {
      command,
      runAsync: true,
      suppressInputEcho: true,
    });
    return cmdId;
  };
  const starting = start();
  try {
    const commandId = await abortable(starting, call.signal);
    return follow(machine, { sessionId: plan.id, commandId }, cut);
  } catch (error) {
    // It may be under way all the same.
    void starting.catch(() => {}).then(() => closeSession(sandbox, plan.id, call));
    throw error;
  }
}

interface SessionCommand {
  readonly sessionId: string;
  readonly commandId: string;
}

function follow(machine: Machine, command: SessionCommand, cut: AbortSignal): Channel {
  const { sandbox } = machine;
  const closing = new AbortController();
  const ended = AbortSignal.any([cut, closing.signal]);
  const { stdout, stderr, ready } = demultiplex(readLog(toLogSource(machine, command), ended));
  const stdin = createStdin(sandbox, command, ready);
  // A pipe that a command has left unread never answers: its end is the answer then.
  const untilEnd = (work: Promise<void>): Promise<void> =>
    Promise.race([unlessEnding(work, ended), whenAborted(ended)]);
  return {
    stdout,
    stderr,
    write: (data) => untilEnd(stdin.write(data)),
    closeStdin: () => untilEnd(stdin.close()),
    resize: async () => {},
    close: async () => {
      closing.abort();
      // Its end is not waited for: Daytona gives a session's shell time to end.
      void closeSession(sandbox, command.sessionId);
    },
  };
}

/** What fails because the command has ended is no failure; that is told a little later. */
async function unlessEnding(work: Promise<void>, ended: AbortSignal): Promise<void> {
  try {
    await work;
  } catch (error) {
    await delay(END_GRACE_MS, undefined, { signal: ended }).catch(() => {});
    if (!ended.aborted) throw error;
  }
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Lines of base64, see `relay-script.ts`. */
function createStdin(sandbox: Sandbox, { sessionId, commandId }: SessionCommand, ready: Promise<void>): StdinWriter {
  const send = async (text: string): Promise<void> => {
    // Daytona makes the pipe for input a little after it has answered.
    await ready;
    await sandbox.process.sendSessionCommandInput(sessionId, commandId, text);
  };
  return createStdinWriter(
    new WritableStream<Uint8Array>({
      write: (chunk) => send(`${Buffer.from(chunk).toString("base64")}\n`),
      close: () => send(".\n"),
    }),
  );
}

function toLogSource({ account, sandbox }: Machine, { sessionId, commandId }: SessionCommand): LogSource {
  const base = `${sandbox.toolboxProxyUrl.replace(/\/+$/, "")}/${sandbox.id}`;
  checkAddress(base);
  return {
    url: `${base.replace(/^http/, "ws")}/process/session/${sessionId}/command/${commandId}/logs?follow=true`,
    headers: { Authorization: `Bearer ${account.apiKey}`, "X-Daytona-SDK-Version": SDK_VERSION },
  };
}

/** The key goes there. */
function checkAddress(text: string): void {
  const { protocol, hostname } = new URL(text);
  if (protocol === "https:" || ["127.0.0.1", "localhost", "[::1]"].includes(hostname)) return;
  throw new SandboxError(
    "invalid",
    "Daytona's server names an address of sandboxes that is not encrypted. Correct its set-up: https is needed.",
  );
}

/** Ends what runs in it, too. One that is gone is fine. */
async function closeSession(sandbox: Sandbox, sessionId: string, call?: Call): Promise<void> {
  try {
    await abortable(sandbox.process.deleteSession(sessionId), AbortSignal.timeout(CLOSE_TIMEOUT_MS));
  } catch {
    call?.logger.debug("A session at Daytona could not be removed; it ends with its sandbox.");
  }
}
