import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { type Socket, connect } from "node:net";
import type { Duplex } from "node:stream";
import type { SpawnOrder, SpawnReport } from "./spawner.ts";

// The small process that starts processes for the emulator's large one; see spawner.ts. Ends with it.

const STANDARD_STREAMS = 3;

process.on("message", (order: SpawnOrder) => void carryOut(order));
process.once("disconnect", () => process.exit());
// What a terminal sends to all of a group is the emulator's to answer.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});

async function carryOut(order: SpawnOrder): Promise<void> {
  const report = (what: Omit<SpawnReport, "id">) => process.send?.({ id: order.id, ...what });
  try {
    const sockets = await Promise.all(Array.from({ length: order.descriptors }, (_, index) => open(order, index)));
    const child = start(order, sockets);
    child.once("spawn", () => {
      sockets.slice(0, STANDARD_STREAMS).forEach((socket) => socket.destroy());
      report({ pid: child.pid });
    });
    child.once("error", (error) => {
      sockets.forEach((socket) => socket.destroy());
      report({ error: error.message });
    });
    child.once("exit", (code, signal) => report({ ended: { code, signal } }));
  } catch (error) {
    report({ error: String(error) });
  }
}

/** The child has the sockets themselves as its standard streams; of its further descriptors it has pipes, as some must block. */
function start({ command, argv, env, descriptors }: SpawnOrder, sockets: readonly Socket[]): ChildProcess {
  const pipes = Array.from({ length: descriptors - STANDARD_STREAMS }, () => "pipe" as const);
  const stdio: StdioOptions = [...sockets.slice(0, STANDARD_STREAMS), ...pipes];
  const child = spawn(command, argv, { env, stdio, detached: true });
  sockets.slice(STANDARD_STREAMS).forEach((socket, index) => join(socket, child, STANDARD_STREAMS + index));
  return child;
}

function join(socket: Socket, child: ChildProcess, descriptor: number): void {
  const stream = child.stdio[descriptor];
  if (!isDuplex(stream)) return;
  stream.on("error", () => socket.destroy());
  socket.on("error", () => stream.destroy());
  stream.pipe(socket).pipe(stream);
}

/** Paused from the start, so that nothing of the child's input is read here. */
function open({ id, socketPath }: SpawnOrder, index: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: socketPath, allowHalfOpen: true });
    socket.pause();
    socket.once("error", reject);
    socket.once("connect", () => socket.write(`${id}${index}`, () => resolve(socket)));
  });
}

function isDuplex(stream: unknown): stream is Duplex {
  return typeof stream === "object" && stream !== null && "pipe" in stream && "write" in stream;
}
