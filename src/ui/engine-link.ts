import type { Disposable } from "../core/disposable-store.ts";
import { Emitter } from "../core/event.ts";
import type { Logger } from "../core/logger.ts";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import type { ConnectedEngine } from "../host/engine-client.ts";
import type { Engine, EngineEvent } from "../sessions/engine.ts";

export type LinkState = "idle" | "connecting" | "connected" | "failed";

/**
 * Connects to the engine when something first needs it, and again when the connection has ended. The window's one way to
 * the engine.
 */
export class EngineLink implements Disposable {
  readonly #connect: () => Promise<ConnectedEngine>;
  readonly #logger: Logger;
  readonly #changed = new Emitter<EngineEvent>();
  readonly #stateChanged = new Emitter<LinkState>();
  #engine: Promise<ConnectedEngine> | undefined;
  #state: LinkState = "idle";
  #isDisposed = false;

  readonly onDidChange = this.#changed.event;
  readonly onDidChangeState = this.#stateChanged.event;

  constructor(connect: () => Promise<ConnectedEngine>, logger: Logger) {
    this.#connect = connect;
    this.#logger = logger;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The engine; started when there is none. @throws {SandboxError} `unavailable` when it cannot be reached. */
  async get(): Promise<Engine> {
    if (this.#isDisposed) throw new SandboxError("unavailable", "This window is closing.");
    this.#engine ??= this.#open();
    return this.#engine;
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    const engine = await this.#engine?.catch(() => undefined);
    await engine?.dispose();
    this.#changed.dispose();
    this.#stateChanged.dispose();
  }

  async #open(): Promise<ConnectedEngine> {
    this.#setState("connecting");
    try {
      const engine = await this.#connect();
      engine.onDidChange((event) => this.#changed.fire(event));
      void engine.closed.then(() => this.#forget());
      this.#setState("connected");
      return engine;
    } catch (error) {
      this.#logger.error(`The engine cannot be reached: ${toMessage(error)}`);
      this.#engine = undefined;
      this.#setState("failed");
      throw error;
    }
  }

  #forget(): void {
    this.#engine = undefined;
    if (this.#isDisposed) return;
    this.#logger.info("The connection to the engine has ended.");
    this.#setState("idle");
  }

  #setState(state: LinkState): void {
    this.#state = state;
    if (!this.#isDisposed) this.#stateChanged.fire(state);
  }
}
