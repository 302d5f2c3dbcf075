import { randomBytes } from "node:crypto";
import { type IncomingMessage, type Server as HttpServer, type ServerResponse, createServer } from "node:http";
import { listen, portOf } from "../shared/loopback.ts";
import { PortForwards } from "../shared/port-forwards.ts";
import type { Port } from "./messages.ts";
import type { EmulatedSandbox } from "./sandbox.ts";

/** `modal.client.TunnelData`. */
interface TunnelData {
  readonly host: string;
  readonly port: number;
  readonly unencryptedHost?: string;
  readonly unencryptedPort?: number;
  readonly containerPort: number;
}

const HOST = "127.0.0.1";

/** Ways into sandboxes' ports. TLS is not emulated: what the SDK calls an encrypted tunnel is plain TCP here. */
export class Tunnels {
  readonly #forwards = new PortForwards();
  readonly #targets = new Map<string, { readonly owner: EmulatedSandbox; readonly port: number }>();
  #gate: Promise<HttpServer> | undefined;

  /** The tunnels of the ports that a sandbox declared; they close at its end. */
  async open(sandbox: EmulatedSandbox): Promise<TunnelData[]> {
    return Promise.all((sandbox.definition.openPorts?.ports ?? []).map((declared) => this.#open(sandbox, declared)));
  }

  /** A URL and the bearer token that lets HTTP requests through it to any port. */
  async issueToken(owner: EmulatedSandbox, port: number): Promise<{ url: string; token: string }> {
    this.#gate ??= listen(createServer((incoming, answer) => void this.#pass(incoming, answer)));
    const token = randomBytes(16).toString("hex");
    this.#targets.set(token, { owner, port });
    return { url: `http://${HOST}:${portOf(await this.#gate)}`, token };
  }

  async close(): Promise<void> {
    const gate = await this.#gate;
    gate?.close();
    gate?.closeAllConnections();
    await this.#forwards.close();
  }

  async #open(sandbox: EmulatedSandbox, { port: containerPort, unencrypted }: Port): Promise<TunnelData> {
    const port = await this.#forwards.open(sandbox, containerPort);
    const encrypted = { host: HOST, port, containerPort };
    return unencrypted ? { ...encrypted, unencryptedHost: HOST, unencryptedPort: port } : encrypted;
  }

  async #pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const token = (incoming.headers.authorization ?? "").replace(/^Bearer /, "");
    const target = this.#targets.get(token);
    if (!target || target.owner.result) return void answer.writeHead(401).end("Unknown token\n");
    const refuse = () => void answer.writeHead(502).end("Nothing listens on that port\n");
    await this.#forwards.pass(target, incoming, answer, refuse);
  }
}
