// Runs one command under the sandbox runtime, as a process of its own: the runtime is a singleton with signal handlers.
// Its stdin, stdout and stderr are the command's; SeatbeltOrder says what comes by the control descriptor.
import { SandboxManager } from "@anthropic-ai/sandbox-runtime";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { createInterface } from "node:readline";
import { type Ending, toTrailer } from "../posix/trailer-filter.ts";
import type { SeatbeltOrder } from "./seatbelt-order.ts";
import { toStartCommand } from "./seatbelt-order.ts";

const CONTROL_FD = 3;
const SIGNALS: Readonly<Record<string, NodeJS.Signals>> = { INT: "SIGINT", TERM: "SIGTERM", KILL: "SIGKILL" };

const control = new Socket({ fd: CONTROL_FD });
control.on("error", () => {});
const lines = createInterface({ input: control });
let child: ChildProcess | undefined;
// Nobody is left to read, or to signal: the host has died.
control.once("close", () => {
  if (!child) process.exit(1);
  signalGroup("SIGKILL");
});
lines.once("line", (line) => {
  lines.on("line", (name) => {
    const signal = SIGNALS[name];
    if (signal) signalGroup(signal);
  });
  void run(line).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    control.end(`failed ${message.replaceAll("\n", " ")}\n`, () => process.exit(1));
  });
});

async function run(line: string): Promise<void> {
  const order = parseOrder(line);
  delete process.env["ELECTRON_RUN_AS_NODE"];
  await SandboxManager.initialize(order.config);
  // Without settings it would hand the command back as it is.
  if (!SandboxManager.isSandboxingEnabled()) throw new Error("The sandbox runtime is not in force.");
  const command = toStartCommand(order);
  const wrapped = await SandboxManager.wrapWithSandbox(command, "/bin/sh");
  if (wrapped === command) throw new Error("The sandbox runtime did not isolate the command.");
  // In place of the control descriptor, which would reach the command otherwise.
  const nothing = openSync("/dev/null", "r");
  child = spawn("/bin/sh", ["-c", `exec ${wrapped}`], { stdio: [0, 1, 2, nothing], detached: true });
  const ended = waitForExit(child);
  await once(child, "spawn");
  control.write(`started ${child.pid}\n`);
  const status = await ended;
  signalGroup("SIGKILL");
  const trailer = toTrailer(order.nonce, status);
  for (const fd of [1, 2]) writeAll(fd, trailer);
  process.exit(0);
}

function waitForExit(process: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    process.once("exit", (code, signal) =>
      resolve(signal ? { kind: "signaled", signal } : { kind: "exited", code: code ?? 255 }),
    );
  });
}

function parseOrder(line: string): SeatbeltOrder {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- from our own parent alone
  return JSON.parse(line) as SeatbeltOrder;
}

function signalGroup(signal: NodeJS.Signals): void {
  try {
    if (child?.pid) process.kill(-child.pid, signal);
  } catch {
    // Nothing is left of it.
  }
}

/** Waits for whoever reads; what nobody reads any more is dropped. */
function writeAll(fd: number, bytes: Uint8Array): void {
  let sent = 0;
  while (sent < bytes.length) {
    try {
      sent += writeSync(fd, bytes, sent);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
