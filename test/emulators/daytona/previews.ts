import { randomBytes } from "node:crypto";
import { type IncomingMessage, type Server, createServer } from "node:http";
import { listen, portOf } from "../shared/loopback.ts";
import { PortForwards } from "../shared/port-forwards.ts";
import type { EmulatedSandbox } from "./sandbox.ts";

/** A way in: whose port it leads to, and whether a request may pass. */
interface Gate {
  readonly sandbox: EmulatedSandbox;
  readonly port: number;
  readonly mayPass: (request: IncomingMessage) => boolean;
}

const TOKEN_HEADER = "x-daytona-preview-token";
const TOKEN_PARAMETER = "DAYTONA_SANDBOX_AUTH_KEY";

/**
 * Addresses of ports in sandboxes. The service gives each a host name; here each is a port of the loopback, so that any
 * client gets there.
 */
export class Previews {
  readonly #servers = new Map<string, Promise<Server>>();
  /** When signed addresses stop working, by their token, in milliseconds since 1970. */
  readonly #signed = new Map<string, number>();
  readonly #forwards = new PortForwards();
  readonly #isKey: (token: string) => boolean;

  /** `isKey` says whether a bearer may use the account. */
  constructor(isKey: (token: string) => boolean) {
    this.#isKey = isKey;
  }

  /** Of a port: requests need the sandbox's token, in a header or in the query, or the account's key, unless it is public. */
  open(sandbox: EmulatedSandbox, port: number): Promise<string> {
    const mayPass = (request: IncomingMessage) =>
      sandbox.isPublic || toTokens(request).includes(sandbox.authToken) || this.#isKey(toBearer(request));
    return this.#listen(`${sandbox.id}:${port}`, { sandbox, port, mayPass });
  }

  /** Of a port, good by itself for some seconds. */
  async sign(sandbox: EmulatedSandbox, port: number, seconds: number): Promise<{ url: string; token: string }> {
    const token = randomBytes(8).toString("hex");
    this.#signed.set(token, Date.now() + seconds * 1000);
    const mayPass = () => (this.#signed.get(token) ?? 0) > Date.now();
    return { token, url: await this.#listen(token, { sandbox, port, mayPass }) };
  }

  /** A signed address is good no longer. */
  expire(token: string): void {
    this.#signed.delete(token);
  }

  async close(): Promise<void> {
    for (const server of this.#servers.values()) {
      const open = await server;
      open.close();
      open.closeAllConnections();
    }
    await this.#forwards.close();
  }

  async #listen(key: string, gate: Gate): Promise<string> {
    const server = this.#servers.get(key) ?? listen(toServer(gate, this.#forwards));
    this.#servers.set(key, server);
    return `http://127.0.0.1:${portOf(await server)}`;
  }
}

/** Lets requests through that may pass, without what lets them. */
function toServer({ sandbox, port, mayPass }: Gate, forwards: PortForwards): Server {
  const target = { owner: sandbox, port };
  const enter = (request: IncomingMessage): boolean => {
    if (!mayPass(request)) return false;
    Reflect.deleteProperty(request.headers, TOKEN_HEADER);
    sandbox.touch();
    return true;
  };
  const server = createServer((request, answer) => {
    if (!enter(request)) return void answer.writeHead(401).end("authentication failed\n");
    const onClosed = () => answer.writeHead(502).end("Nothing listens on that port\n");
    void forwards.pass(target, request, answer, onClosed);
  });
  server.on("upgrade", (request, socket, head) => {
    if (enter(request)) return void forwards.passUpgrade(target, request, socket, head);
    socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
  });
  return server;
}

function toTokens({ headers, url = "/" }: IncomingMessage): (string | undefined)[] {
  const header = headers[TOKEN_HEADER];
  const parameter = new URL(url, "http://localhost").searchParams.get(TOKEN_PARAMETER);
  return [typeof header === "string" ? header : undefined, parameter ?? undefined];
}

function toBearer({ headers }: IncomingMessage): string {
  return (headers.authorization ?? "").replace(/^Bearer /, "");
}
