import type { Socket } from "node:net";
import type { Logger } from "../core/logger.ts";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import type { HostedEngine } from "../sessions/create-engine.ts";
import type { EngineEvent } from "../sessions/engine.ts";
import { dispatch, isRequest } from "./dispatch.ts";
import { createFrameReader, writeFrame } from "./frame-stream.ts";
import { type Hello, PROTOCOL_VERSION, type Request, type WireError } from "./protocol.ts";
import { isRecord } from "./request-shapes.ts";

/** What a connection needs of the process that hosts the engine. */
export interface ConnectionDeps {
  /** May still be starting: requests wait for it. */
  readonly engine: Promise<HostedEngine>;
  readonly version: string;
  readonly logger: Logger;
  /** Ends the process unless something goes on; says whether it will. */
  readonly retire: () => boolean;
}

/** One client of the engine, until its socket closes. */
export class Connection {
  readonly #socket: Socket;
  readonly #deps: ConnectionDeps;
  // What ends with this client: how to stop it, by its id.
  readonly #own = new Map<string, () => Promise<void>>();
  // Events that a slow client has yet to get: of each thing only the latest counts.
  readonly #held = new Map<string, EngineEvent>();
  #isKnown = false;
  #isClosed = false;

  constructor(socket: Socket, deps: ConnectionDeps) {
    this.#socket = socket;
    this.#deps = deps;
    const reader = createFrameReader(
      (frame) => this.#take(frame),
      (message, isFatal) => this.#complain(message, isFatal),
    );
    socket.on("data", (data) => reader.push(data));
    socket.on("drain", () => this.#sendHeld());
    // A close follows.
    socket.on("error", (error) => deps.logger.debug(`A client's connection broke: ${error.message}`));
    socket.on("close", () => void this.#close());
  }

  send(event: EngineEvent): void {
    if (!this.#isKnown || this.#isClosed) return;
    const key = toKey(event);
    if (this.#socket.writableNeedDrain) {
      // Re-entered, so that it comes after what happened before it.
      this.#held.delete(key);
      this.#held.set(key, event);
      return;
    }
    void writeFrame(this.#socket, { type: "event", event });
  }

  end(): void {
    this.#socket.end();
  }

  #sendHeld(): void {
    for (const [key, event] of this.#held) {
      if (this.#socket.writableNeedDrain) return;
      this.#held.delete(key);
      void writeFrame(this.#socket, { type: "event", event });
    }
  }

  #take(frame: unknown): void {
    if (!this.#isKnown) this.#greet(frame);
    else if (isRequest(frame)) void this.#answer(frame);
    else if (isRecord(frame) && typeof frame["id"] === "number") {
      this.#fail(frame["id"], {
        code: "invalid",
        message: "Sandpiper's engine does not know that request. Is it an older version?",
      });
    } else this.#complain("A frame was no request.", false);
  }

  #greet(frame: unknown): void {
    if (!isRecord(frame) || frame["type"] !== "hello" || frame["protocol"] !== PROTOCOL_VERSION) {
      this.#complain(`The first frame has to be a hello of protocol ${PROTOCOL_VERSION}.`, true);
      return;
    }
    this.#isKnown = true;
    const hello: Hello = {
      type: "hello",
      protocol: PROTOCOL_VERSION,
      version: this.#deps.version,
      role: "engine",
      pid: process.pid,
    };
    void writeFrame(this.#socket, hello);
  }

  async #answer(request: Request): Promise<void> {
    try {
      const result = await this.#call(request);
      await writeFrame(this.#socket, { type: "response", id: request.id, result: result ?? null });
    } catch (error) {
      if (!(error instanceof SandboxError)) this.#deps.logger.error(`${request.method}: ${toStack(error)}`);
      const code = error instanceof SandboxError ? error.code : "unavailable";
      this.#fail(request.id, { code, message: toMessage(error) });
    }
  }

  async #call({ method, params }: Request): Promise<unknown> {
    if (method === "retire") return this.#deps.retire();
    const engine = await this.#deps.engine;
    const result = await dispatch(engine, method, params);
    if (method === "startRun") this.#keep(params[0], result, (id) => engine.stopAbandonedRun(id));
    if (method === "startBatch") this.#keep(params[0], result, (id) => engine.stopAbandonedBatch(id));
    return result;
  }

  // The client may have gone while it was being started.
  #keep(request: unknown, started: unknown, stop: (id: string) => Promise<void>): void {
    if (!isRecord(request) || request["stopOnDisconnect"] !== true) return;
    if (!isRecord(started) || typeof started["id"] !== "string") return;
    const { id } = started;
    this.#own.set(id, () => stop(id));
    if (this.#isClosed) void this.#stopOwn();
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    this.#held.clear();
    await this.#stopOwn();
  }

  async #stopOwn(): Promise<void> {
    await Promise.all(Array.from(this.#own.values(), (stop) => stop()));
  }

  #fail(id: number, error: WireError): void {
    void writeFrame(this.#socket, { type: "response", id, error });
  }

  #complain(message: string, isFatal: boolean): void {
    this.#deps.logger.warn(`A client sent something that was not understood: ${message}`);
    void writeFrame(this.#socket, { type: "complaint", message });
    if (isFatal) this.#socket.end();
  }
}

function toKey(event: EngineEvent): string {
  switch (event.type) {
    case "run":
      return `run ${event.run.id}`;
    case "session":
      return `session ${event.session.id}`;
    case "output":
    case "results":
      return `${event.type} ${event.runId}`;
    case "snapshot":
      return `snapshot ${event.snapshot.id}`;
    case "snapshot-deleted":
      return `snapshot ${event.snapshotId}`;
    case "change-set":
      return `change-set ${event.changeSet.id}`;
    case "batch":
      return `batch ${event.batch.id}`;
    case "costs":
      return "costs";
  }
}

function toStack(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
