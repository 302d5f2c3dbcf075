import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type Server, type Socket, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Duplex, Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

/** What to start. */
interface SpawnRequest {
  readonly command: string;
  readonly argv: readonly string[];
  /** All that there is. */
  readonly env: Readonly<Record<string, string>>;
  /** How many descriptors it gets: the three standard streams, and more. */
  readonly descriptors?: number;
}

/** What the program is told. */
export interface SpawnOrder extends Required<SpawnRequest> {
  readonly id: string;
  readonly socketPath: string;
}

/** What the program says: that a process runs, could not start, or has ended. */
export interface SpawnReport {
  readonly id: string;
  readonly pid?: number | undefined;
  readonly error?: string;
  readonly ended?: ProcessEnd;
}

interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that runs, the leader of its group. */
export interface SpawnedProcess {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The descriptors from 3 on. */
  readonly more: readonly Duplex[];
  /** Resolves at its exit; its streams may still be open in what it left behind. */
  readonly ended: Promise<ProcessEnd>;
}

interface Spawning {
  readonly sockets: Map<number, Socket>;
  readonly running: PromiseWithResolvers<number>;
  readonly ended: PromiseWithResolvers<ProcessEnd>;
  readonly connected: PromiseWithResolvers<void>;
  readonly descriptors: number;
}

const PROGRAM = fileURLToPath(new URL("./spawner-program.ts", import.meta.url));
const ID_BYTES = 36;

/**
 * Starts processes by way of a small one. A process is started by a copy of the one that starts it, and copying that
 * which has an SDK, an emulator and tests in its memory takes tens of milliseconds; copying a small one takes one.
 */
export class Spawner {
  readonly #folder: string;
  readonly #server: Server;
  readonly #program: ChildProcess;
  readonly #spawning = new Map<string, Spawning>();

  private constructor(folder: string, server: Server, program: ChildProcess) {
    this.#folder = folder;
    this.#server = server;
    this.#program = program;
    server.on("connection", (socket) => this.#join(socket));
    program.on("message", (report: SpawnReport) => this.#hear(report));
    program.once("exit", () => this.#giveUp());
  }

  static async start(): Promise<Spawner> {
    const folder = await mkdtemp(path.join(tmpdir(), "emulator-spawner-"));
    const server = createServer({ allowHalfOpen: true });
    server.listen(path.join(folder, "socket"));
    await once(server, "listening");
    const program = fork(PROGRAM, { execArgv: [], env: { PATH: process.env["PATH"] } });
    return new Spawner(folder, server, program);
  }

  /** @throws when there is no such program */
  async spawn({ command, argv, env, descriptors = 3 }: SpawnRequest): Promise<SpawnedProcess> {
    const id = randomUUID();
    const running = Promise.withResolvers<number>();
    const ended = Promise.withResolvers<ProcessEnd>();
    const connected = Promise.withResolvers<void>();
    const spawning = { sockets: new Map<number, Socket>(), running, ended, connected, descriptors };
    this.#spawning.set(id, spawning);
    const order: SpawnOrder = { id, command, argv, env, descriptors, socketPath: path.join(this.#folder, "socket") };
    this.#program.send(order);
    const [pid] = await Promise.all([running.promise, connected.promise]);
    void ended.promise.then(() => this.#spawning.delete(id));
    const [stdin, stdout, stderr, ...more] = Array.from({ length: descriptors }, (_, index) =>
      spawning.sockets.get(index),
    ).filter((socket) => socket !== undefined);
    if (!stdin || !stdout || !stderr) throw new Error("A process has no streams.");
    stdin.resume();
    for (const output of [stdout, stderr]) output.end();
    return { pid, stdin, stdout, stderr, more, ended: ended.promise };
  }

  /** Ends the small process; what it started is to be ended before. */
  async close(): Promise<void> {
    this.#server.close();
    if (this.#program.connected) {
      const exited = once(this.#program, "exit");
      this.#program.disconnect();
      await exited;
    }
    await rm(this.#folder, { recursive: true });
  }

  /** A connection begins with the id of its process and the number of the descriptor, one digit. */
  #join(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    const read = () => {
      const head: unknown = socket.read(ID_BYTES + 1);
      if (!Buffer.isBuffer(head)) return;
      socket.off("readable", read);
      const spawning = this.#spawning.get(head.toString("latin1", 0, ID_BYTES));
      if (!spawning) return void socket.destroy();
      spawning.sockets.set(Number(head.toString("latin1", ID_BYTES)), socket);
      if (spawning.sockets.size === spawning.descriptors) spawning.connected.resolve();
    };
    socket.on("readable", read);
  }

  /** Sandboxes die with the program. */
  #giveUp(): void {
    for (const { running, ended } of this.#spawning.values()) {
      running.reject(new Error("The emulator's spawner has ended."));
      ended.resolve({ code: null, signal: "SIGKILL" });
    }
    this.#spawning.clear();
  }

  #hear({ id, pid, error, ended }: SpawnReport): void {
    const spawning = this.#spawning.get(id);
    if (!spawning) return;
    if (pid !== undefined) spawning.running.resolve(pid);
    if (ended) spawning.ended.resolve(ended);
    if (error === undefined) return;
    spawning.running.reject(new Error(error));
    this.#spawning.delete(id);
  }
}
