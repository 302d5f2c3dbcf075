import { randomUUID } from "node:crypto";
import type { WebSocket } from "ws";
import type { SandboxState } from "./messages.ts";
import type { EmulatedSandbox } from "./sandbox.ts";
import { toSandboxDto } from "./to-dto.ts";

const PING_MS = 25_000;

/**
 * Tells clients of changes of state, as a server of Socket.IO with the one transport that the SDK uses. Packets are text: the
 * digits are their types in both protocols. Source: https://socket.io/docs/v4/engine-io-protocol/ (version 4) and
 * https://socket.io/docs/v4/socket-io-protocol/ (version 5).
 */
export class Events {
  readonly #clients = new Map<WebSocket, NodeJS.Timeout>();
  readonly #keys: ReadonlySet<string>;

  constructor(keys: ReadonlySet<string>) {
    this.#keys = keys;
  }

  /** Takes over a socket; it is told of events when it has said who it is. */
  greet(client: WebSocket): void {
    const handshake = { sid: randomUUID(), upgrades: [], pingInterval: PING_MS, pingTimeout: 20_000, maxPayload: 1e6 };
    client.send(`0${JSON.stringify(handshake)}`);
    client.on("message", (data: Buffer) => this.#hear(client, data.toString()));
    const forget = () => {
      clearInterval(this.#clients.get(client));
      this.#clients.delete(client);
    };
    client.on("close", forget);
    client.on("error", forget);
  }

  /** Tells everybody. */
  tell(sandbox: EmulatedSandbox, oldState: SandboxState, toolboxUrl: string): void {
    const event = { sandbox: toSandboxDto(sandbox, toolboxUrl), oldState, newState: sandbox.state };
    for (const client of this.#clients.keys()) client.send(`42${JSON.stringify(["sandbox.state.updated", event])}`);
  }

  #hear(client: WebSocket, packet: string): void {
    if (packet === "1") client.close();
    if (!packet.startsWith("40")) return;
    if (!this.#keys.has(toToken(packet.slice(2)))) return client.send('44{"message":"Unauthorized"}');
    const ping = setInterval(() => client.send("2"), PING_MS);
    ping.unref();
    this.#clients.set(client, ping);
    client.send(`40${JSON.stringify({ sid: randomUUID() })}`);
  }
}

function toToken(json: string): string {
  try {
    return readToken(json);
  } catch {
    return "";
  }
}

function readToken(json: string): string {
  const said = parse(json);
  return said.token ?? "";
}

function parse(json: string): { readonly token?: string } {
  return JSON.parse(json || "{}");
}
