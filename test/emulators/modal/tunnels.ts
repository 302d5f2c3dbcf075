import { randomBytes } from "node:crypto";
import { type IncomingMessage, type Server as HttpServer, type ServerResponse, createServer, request } from "node:http";
import { type Server, createServer as createSocketServer } from "node:net";
import { pipeline } from "node:stream";
import { listen, portOf } from "../shared/loopback.ts";
import { joinToPort } from "../shared/machine-port.ts";
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
  readonly #servers = new Map<string, Promise<Server>>();
  readonly #targets = new Map<string, { readonly sandbox: EmulatedSandbox; readonly port: number }>();
  #gate: Promise<HttpServer> | undefined;

  /** The tunnels of the ports that a sandbox declared; they close at its end. */
  async open(sandbox: EmulatedSandbox): Promise<TunnelData[]> {
    return Promise.all((sandbox.definition.openPorts?.ports ?? []).map((declared) => this.#open(sandbox, declared)));
  }

  /** A URL and the bearer token that lets HTTP requests through it to any port. */
  async issueToken(sandbox: EmulatedSandbox, port: number): Promise<{ url: string; token: string }> {
    this.#gate ??= listen(createServer((incoming, answer) => void this.#pass(incoming, answer)));
    const token = randomBytes(16).toString("hex");
    this.#targets.set(token, { sandbox, port });
    return { url: `http://${HOST}:${portOf(await this.#gate)}`, token };
  }

  async close(): Promise<void> {
    const gate = await this.#gate;
    gate?.close();
    gate?.closeAllConnections();
    for (const server of this.#servers.values()) (await server).close();
  }

  async #open(sandbox: EmulatedSandbox, { port: containerPort, unencrypted }: Port): Promise<TunnelData> {
    const port = portOf(await this.#forward(sandbox, containerPort));
    const encrypted = { host: HOST, port, containerPort };
    return unencrypted ? { ...encrypted, unencryptedHost: HOST, unencryptedPort: port } : encrypted;
  }

  #forward(sandbox: EmulatedSandbox, port: number): Promise<Server> {
    const key = `${sandbox.id}:${port}`;
    const known = this.#servers.get(key);
    if (known) return known;
    const server = createSocketServer({ allowHalfOpen: true }, (socket) => {
      void joinToPort(socket, () => sandbox.machine(), port);
    });
    const listening = listen(server);
    this.#servers.set(key, listening);
    void sandbox.ended.then(() => server.close());
    return listening;
  }

  async #pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const token = (incoming.headers.authorization ?? "").replace(/^Bearer /, "");
    const target = this.#targets.get(token);
    if (!target || target.sandbox.result) return void answer.writeHead(401).end("Unknown token\n");
    const port = portOf(await this.#forward(target.sandbox, target.port));
    const { method, url: path, headers } = incoming;
    const outgoing = request({ host: HOST, port, method, path, headers, agent: false }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      pipeline(response, answer, ignore);
    });
    outgoing.once("error", () => answer.writeHead(502).end("Nothing listens on that port\n"));
    pipeline(incoming, outgoing, ignore);
  }
}

function ignore(): void {}
