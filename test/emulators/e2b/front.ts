import type { Server, ServerResponse } from "node:http";
import { type IncomingMessage, createServer } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { listen, portOf } from "../shared/loopback.ts";
import type { PortForwards } from "../shared/port-forwards.ts";
import type { Account } from "./account.ts";
import { ApiError } from "./api-error.ts";
import type { Books } from "./books.ts";
import { answerControl, toControlMethod } from "./control-plane.ts";
import type { Faults } from "./faults.ts";
import { answerSandbox, passUpgrade, toSandboxMethod } from "./sandbox-traffic.ts";
import { toTarget } from "./target.ts";
import { cutAfter, loseAnswer } from "./wire-faults.ts";

/** What requests are answered with. */
export interface FrontDeps {
  readonly account: Account;
  readonly books: Books;
  readonly faults: Faults;
  readonly forwards: PortForwards;
  /** Those who may use the control plane. */
  readonly apiKeys: readonly string[];
}

/** One port for everything: what is for a sandbox says so in its headers or in the name of its host. */
export class Front {
  readonly #deps: FrontDeps;
  readonly #poisoned = new WeakSet<Duplex>();
  #server: Server | undefined;
  #port: number;

  /** Any free port when it is 0. */
  constructor(port: number, deps: FrontDeps) {
    this.#port = port;
    this.#deps = deps;
  }

  get port(): number {
    return this.#port;
  }

  /** Listens on the loopback. */
  async open(): Promise<void> {
    if (this.#server) return;
    const server = createServer((request, response) => void this.#serve(request, response));
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const target = toTarget(request);
      if (target) void passUpgrade(this.#deps, target, { request, socket, head });
      else socket.destroy();
    });
    server.requestTimeout = 0;
    this.#server = await listen(server, this.#port);
    this.#port = portOf(server);
  }

  /** Cuts all connections and refuses new ones. */
  shut(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.#server = undefined;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    const target = toTarget(request);
    const method = target ? toSandboxMethod(request, target, url) : toControlMethod(request, url);
    this.#deps.books.count(method);
    response.on("error", () => {});
    try {
      if (await this.#failBefore(method, request, response)) return;
      if (target) await answerSandbox(this.#deps, { request, response, url, target });
      else await answerControl(this.#deps, { request, response, url });
    } catch (error) {
      sendError(response, error);
    }
  }

  /** Carries out what is to go wrong. Whether there is nothing more to do. */
  async #failBefore(method: string, { socket }: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const { faults } = this.#deps;
    const delay = faults.take("delay", method);
    if (delay) await sleep(delay.ms);
    if (faults.take("reset", method)) {
      socket.resetAndDestroy();
      return true;
    }
    if (faults.take("poison-connection", method)) this.#poisoned.add(socket);
    if (this.#poisoned.has(socket)) throw new ApiError(500, "connection poisoned");
    const error = faults.take("error", method);
    if (error) throw new ApiError(error.status, error.message ?? "injected", error.retryAfterSecs);
    if (faults.take("lose-answer", method)) loseAnswer(response);
    const cut = faults.take("cut-stream", method);
    if (cut) cutAfter(response, cut.afterBytes);
    return false;
  }
}

/** In the words of the control plane, which the daemon's plain HTTP shares. */
function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const status = error instanceof ApiError ? error.status : 500;
  const message = error instanceof Error ? error.message : String(error);
  const retryAfter = error instanceof ApiError ? error.retryAfterSecs : undefined;
  if (retryAfter !== undefined) response.setHeader("Retry-After", retryAfter);
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify({ code: status, message }));
}
