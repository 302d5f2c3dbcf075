import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import type { SpawnedProcess } from "../shared/spawner.ts";
import { ApiError } from "./api-error.ts";
import { WORKER } from "./interpreter-worker.ts";
import { killBelow, signalBelow } from "./process-tree.ts";
import type { Toolbox } from "./toolbox.ts";

/** The first message of a socket that executes. */
interface ExecuteMessage {
  readonly code?: string;
  readonly contextId?: string;
  readonly envs?: Readonly<Record<string, string>>;
  /** In seconds; 0 is without limit, 600 when absent. */
  readonly timeout?: number;
}

/** What the worker writes. */
interface WorkerMessage {
  readonly type: string;
  readonly text?: string;
}

const DEFAULT_ID = "default";
const DEFAULT_TIMEOUT_SECS = 600;
/** How long code has to end after it was interrupted, before its context is killed. */
const GRACE_MS = 2000;
const TIMED_OUT = 4008;
const GOING_AWAY = 1001;
const POLICY = 1008;
/** How much fits into a close frame. Source: RFC 6455, section 5.5. */
const MOST_REASON_CHARACTERS = 120;

/** One Python with what has been defined in it; runs one piece of code after the other. */
class Context {
  readonly id: string;
  readonly cwd: string;
  readonly createdAt = new Date();
  readonly #worker: Promise<SpawnedProcess>;
  #isActive = true;
  #queue: Promise<void> = Promise.resolve();
  #hear: (message: WorkerMessage | undefined) => void = () => {};

  constructor(id: string, cwd: string, worker: Promise<SpawnedProcess>) {
    this.id = id;
    this.cwd = cwd;
    this.#worker = worker;
    void this.#listen();
  }

  /** `InterpreterContext` of the toolbox's API. */
  get info(): object {
    const { id, cwd, createdAt } = this;
    return { id, cwd, createdAt, active: this.#isActive, language: "python" };
  }

  get isActive(): boolean {
    return this.#isActive;
  }

  /** Runs code when what came before has ended, and closes the socket then. */
  execute(message: ExecuteMessage, client: WebSocket): void {
    this.#queue = this.#queue.then(() => this.#execute(message, client));
  }

  async kill(): Promise<void> {
    this.#isActive = false;
    const worker = await this.#worker.catch(() => undefined);
    if (worker) await killBelow(worker.pid);
  }

  /** Its machine is gone. */
  end(): void {
    this.#isActive = false;
    this.#hear(undefined);
  }

  async #execute({ code, envs, timeout = DEFAULT_TIMEOUT_SECS }: ExecuteMessage, client: WebSocket): Promise<void> {
    const worker = await this.#worker;
    const end = Promise.withResolvers<number>();
    this.#hear = (message) => {
      if (message && client.readyState === WebSocket.OPEN) client.send(JSON.stringify(message));
      if (!message) end.resolve(GOING_AWAY);
      else if (message.type === "control") end.resolve(message.text === "interrupted" ? TIMED_OUT : 1000);
    };
    const interrupt = () => void signalBelow(worker.pid, "SIGINT");
    const giveUp = () => {
      end.resolve(TIMED_OUT);
      void this.kill();
    };
    const timers =
      timeout > 0 ? [setTimeout(interrupt, timeout * 1000), setTimeout(giveUp, timeout * 1000 + GRACE_MS)] : [];
    if (this.#isActive) worker.stdin.write(`${JSON.stringify({ code, envs })}\n`);
    else end.resolve(GOING_AWAY);
    const status = await end.promise;
    timers.forEach(clearTimeout);
    client.close(status, status === GOING_AWAY ? "worker process ended" : "");
  }

  async #listen(): Promise<void> {
    const worker = await this.#worker;
    worker.stdin.on("error", () => {});
    worker.stderr.resume();
    // What code writes to the descriptor itself, past its streams, is no message and is lost.
    createInterface(worker.stdout).on("line", (line) => {
      const message = parse<WorkerMessage>(line);
      if (message?.type) this.#hear({ ...message, type: message.type });
    });
    await worker.ended;
    this.end();
  }
}

/** The interpreter contexts of one sandbox, until it stops. */
export class Contexts {
  readonly #toolbox: Toolbox;
  readonly #contexts = new Map<string, Context>();

  constructor(toolbox: Toolbox) {
    this.#toolbox = toolbox;
  }

  /** Those that a client has made; the one for code without a context is not among them. */
  get infos(): object[] {
    return [...this.#contexts.values()].filter(({ id }) => id !== DEFAULT_ID).map(({ info }) => info);
  }

  create(cwd = this.#toolbox.parts.workdir, id: string = randomUUID()): Context {
    const context = new Context(id, cwd, this.#toolbox.start(["python3", "-c", WORKER], { cwd }));
    this.#contexts.set(id, context);
    return context;
  }

  /** @throws 400 for the default one, 404 */
  async delete(id: string): Promise<void> {
    if (id === DEFAULT_ID) throw new ApiError(400, "cannot delete default context", { source: "DAYTONA_DAEMON" });
    const context = this.#contexts.get(id);
    if (!context) throw new ApiError(404, `context ${id} not found`, { source: "DAYTONA_DAEMON" });
    this.#contexts.delete(id);
    await context.kill();
  }

  /** Carries out the first message of a socket. */
  execute(client: WebSocket, data: string): void {
    const message = parse<ExecuteMessage>(data);
    if (!message?.code) return client.close(POLICY, message ? "code is required" : "invalid JSON payload");
    const { contextId = DEFAULT_ID } = message;
    const known = this.#contexts.get(contextId);
    const context = known ?? (contextId === DEFAULT_ID ? this.create(undefined, DEFAULT_ID) : undefined);
    if (!context) return client.close(POLICY, `context not found: ${contextId}`.slice(0, MOST_REASON_CHARACTERS));
    if (!context.isActive) return client.close(POLICY, "context is not active");
    this.#toolbox.parts.onCommand(message.code);
    context.execute(message, client);
  }

  close(): void {
    for (const context of this.#contexts.values()) context.end();
  }
}

function parse<Message>(data: string): Partial<Message> | undefined {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
