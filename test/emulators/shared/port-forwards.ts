import { type IncomingMessage, type ServerResponse, request } from "node:http";
import { type Server, type Socket, createServer } from "node:net";
import { type Duplex, pipeline } from "node:stream";
import { listen, portOf } from "./loopback.ts";
import { joinToPort } from "./machine-port.ts";
import type { Machine } from "./machine.ts";

/** Whose ports are forwarded. */
export interface PortOwner {
  readonly id: string;
  /** Then its forwards close. */
  readonly ended: Promise<unknown>;
  machine(): Promise<Machine>;
}

/** Ways from the loopback into sandboxes' ports. */
export class PortForwards {
  readonly #servers = new Map<string, Promise<Server>>();

  /** The port of the loopback that leads to one inside, until the owner's end. A connection closes where nobody listens. */
  async open(owner: PortOwner, port: number): Promise<number> {
    const key = `${owner.id}:${port}`;
    const known = this.#servers.get(key);
    if (known) return portOf(await known);
    const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
      void joinToPort(socket, () => owner.machine(), port);
    });
    const listening = listen(server);
    this.#servers.set(key, listening);
    void owner.ended.then(() => server.close());
    return portOf(await listening);
  }

  /** Hands a request on to a port inside and its answer back. `onClosed` answers where nobody listens. */
  async pass(
    target: { readonly owner: PortOwner; readonly port: number },
    incoming: IncomingMessage,
    answer: ServerResponse,
    onClosed: () => void,
  ): Promise<void> {
    const port = await this.open(target.owner, target.port);
    const outgoing = request(toOptions(incoming, port), (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      pipeline(response, answer, ignore);
    });
    outgoing.once("error", () => (answer.headersSent ? answer.destroy() : onClosed()));
    pipeline(incoming, outgoing, ignore);
  }

  /** The same for a request that becomes a WebSocket, or whatever it wants to be. */
  async passUpgrade(
    target: { readonly owner: PortOwner; readonly port: number },
    incoming: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): Promise<void> {
    const port = await this.open(target.owner, target.port);
    const outgoing = request(toOptions(incoming, port));
    outgoing.once("error", () => socket.destroy());
    outgoing.once("response", () => socket.destroy());
    outgoing.once("upgrade", (response, inner, innerHead) => {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${toHeaderLines(response.rawHeaders)}\r\n`);
      socket.write(innerHead);
      inner.write(head);
      pipeline(inner, socket, ignore);
      pipeline(socket, inner, ignore);
    });
    outgoing.end();
  }

  async close(): Promise<void> {
    for (const server of this.#servers.values()) (await server).close();
  }
}

function toOptions({ method, url, headers }: IncomingMessage, port: number) {
  return { host: "127.0.0.1", port, method, path: url, headers, agent: false } as const;
}

/** Names and values by turns. */
function toHeaderLines(raw: readonly string[]): string {
  return raw.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join("");
}

function ignore(): void {}
