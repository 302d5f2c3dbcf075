import { stat } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import type { Disposable } from "../core/disposable-store.ts";
import type { Logger } from "../core/logger.ts";
import { type Clock, systemClock, type Timer } from "../sessions/clock.ts";
import type { HostedEngine } from "../sessions/create-engine.ts";
import { Connection } from "./connection.ts";
import { listenAlone } from "./listen.ts";

/** An engine that nobody is connected to and that has nothing to do ends after this long. */
const IDLE_EXIT_MS = 10 * 60_000;

const SOCKET_CHECK_MS = 30_000;

/** What a server is made from. */
export interface ServerDeps {
  readonly socketPath: string;
  readonly version: string;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly idleExitMs?: number;
  /** Called once, when the process has no more reason to live. */
  readonly onDidFinish: () => void;
}

/** Serves one engine to many clients. */
export interface EngineServer extends Disposable {
  /** Clients that came before it wait for it. When it cannot be made, each of their requests is told why. */
  serve(engine: Promise<HostedEngine>): void;
}

/** Listens. Resolves undefined when another engine already does. */
export async function createEngineServer(deps: ServerDeps): Promise<EngineServer | undefined> {
  const server = new HostServer(deps);
  return (await server.listen()) ? server : undefined;
}

class HostServer implements EngineServer {
  readonly #deps: ServerDeps;
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  readonly #engine: Promise<HostedEngine>;
  #setEngine: (engine: Promise<HostedEngine>) => void = () => undefined;
  #running: HostedEngine | undefined;
  #idle: Timer | undefined;
  #check: Timer | undefined;
  #hasFinished = false;

  constructor(deps: ServerDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? systemClock;
    this.#engine = new Promise((resolve) => {
      this.#setEngine = resolve;
    });
    this.#server = createServer((socket) => {
      const connection = new Connection(socket, {
        engine: this.#engine,
        version: deps.version,
        logger: deps.logger,
        retire: () => this.#retire(),
      });
      this.#connections.add(connection);
      this.#idle?.dispose();
      socket.on("close", () => {
        this.#connections.delete(connection);
        this.#waitForIdle();
      });
    });
  }

  async listen(): Promise<boolean> {
    if (!(await listenAlone(this.#server, this.#deps.socketPath))) return false;
    await this.#watchSocket();
    this.#waitForIdle();
    return true;
  }

  serve(engine: Promise<HostedEngine>): void {
    this.#setEngine(engine);
    engine.then(
      (running) => {
        this.#running = running;
        return running.onDidChange((event) => {
          for (const connection of this.#connections) connection.send(event);
          if (event.type === "run" && event.run.state === "ended") this.#waitForIdle();
        });
      },
      (error: unknown) => this.#deps.logger.error(String(error)),
    );
  }

  dispose(): void {
    this.#hasFinished = true;
    this.#idle?.dispose();
    this.#check?.dispose();
    for (const connection of this.#connections) connection.end();
    // Removes the socket as well.
    this.#server.close();
  }

  #retire(): boolean {
    if (this.#running?.isBusy || this.#connections.size > 1) return false;
    this.#finish();
    return true;
  }

  #waitForIdle(): void {
    this.#idle?.dispose();
    this.#idle = this.#clock.after(this.#deps.idleExitMs ?? IDLE_EXIT_MS, () => {
      if (this.#connections.size === 0 && !this.#running?.isBusy) this.#finish();
    });
  }

  #finish(): void {
    if (this.#hasFinished) return;
    this.#hasFinished = true;
    this.#deps.onDidFinish();
  }

  // An engine whose socket was removed or replaced can be reached by nobody new.
  async #watchSocket(): Promise<void> {
    const { socketPath } = this.#deps;
    if (socketPath.startsWith("\\\\.\\pipe\\")) return;
    const own = (await stat(socketPath)).ino;
    const look = async (): Promise<void> => {
      const now = await stat(socketPath).catch(() => undefined);
      if (now?.ino !== own && this.#connections.size === 0 && !this.#running?.isBusy) this.#finish();
      else if (!this.#hasFinished) this.#check = this.#clock.after(SOCKET_CHECK_MS, () => void look());
    };
    this.#check = this.#clock.after(SOCKET_CHECK_MS, () => void look());
  }
}
