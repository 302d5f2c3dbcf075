import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { listen, portOf } from "../shared/loopback.ts";
import { ApiError, toErrorBody } from "./api-error.ts";
import type { Cloud } from "./cloud.ts";
import type { Events } from "./events.ts";
import { ConnectionCut, type Interceptor } from "./interceptor.ts";
import { EXIT_CONTROL } from "./ptys.ts";
import { Answer, type Call, type Routes, findRoute } from "./routes.ts";
import type { EmulatedSandbox } from "./sandbox.ts";
import { TOOLBOX_ROUTES } from "./toolbox-api.ts";
import { SOCKET_ROUTES } from "./toolbox-sockets.ts";
import { isSigned } from "./transfers.ts";

/** What the server leads to. */
interface ServerParts {
  readonly cloud: Cloud;
  readonly events: Events;
  readonly interceptor: Interceptor;
  readonly routes: Routes;
  /** Whether a bearer may use the account. */
  readonly isKey: (token: string) => boolean;
  readonly executeCapMs: number;
}

/** What a request asks for, before anybody has looked at whether it may. */
interface Target {
  /** Of the route, as books and faults have it: "POST /toolbox/process/execute". */
  readonly name: string;
  run(request: IncomingMessage, response: ServerResponse): unknown;
}

const SIGNED_PATHS = new Set(["/files/download", "/files/upload-v2"]);

/** A port that speaks the service's API below `/api`, and the daemons' of its sandboxes below `/toolbox/<id>`; can be shut and opened again. */
export class DaytonaServer {
  readonly #parts: ServerParts;
  readonly #sockets = new WebSocketServer({ noServer: true, handleProtocols: pickProtocol });
  #server: Server | undefined;
  #port: number;

  /** Any free port when it is 0. */
  constructor(port: number, parts: ServerParts) {
    this.#port = port;
    this.#parts = parts;
  }

  get port(): number {
    return this.#port;
  }

  async open(): Promise<void> {
    if (this.#server) return;
    const server = createServer((request, response) => void this.#answer(request, response));
    server.on("upgrade", (request, socket, head) => void this.#upgrade(request, socket, head));
    // A client that keeps a connection for later decides itself when it ends.
    server.keepAliveTimeout = 0;
    server.requestTimeout = 0;
    this.#server = await listen(server, this.#port);
    this.#port = portOf(server);
  }

  /** Cuts all connections and refuses new ones. */
  shut(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server = undefined;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { interceptor } = this.#parts;
    const url = toUrl(request);
    const method = request.method ?? "GET";
    try {
      const target = this.#find(method, url);
      await interceptor.before(target.name, request.socket);
      const result = await target.run(request, response);
      if (interceptor.losesAnswer(target.name)) return void request.socket.destroy();
      if (!response.writableEnded) send(response, result instanceof Answer ? result : new Answer(200, result));
    } catch (error) {
      if (error instanceof ConnectionCut) return;
      const refusal = toApiError(error);
      for (const [name, value] of Object.entries(refusal.details.headers ?? {})) response.setHeader(name, value);
      if (response.headersSent) response.destroy();
      else send(response, new Answer(refusal.status, toErrorBody(refusal, method, url.pathname)));
    }
  }

  #find(method: string, url: URL): Target {
    const [, door, id = "", ...rest] = url.pathname.split("/");
    if (door === "toolbox") return this.#findInToolbox(method, url, { id, path: `/${rest.join("/")}` });
    const path = url.pathname.replace(/^\/api/, "");
    const found = door === "api" ? findRoute(this.#parts.routes, method, path) : undefined;
    if (!found) return toNothing(method, url);
    return {
      name: found.name.replace(" ", " /api"),
      run: (request, response) => {
        this.#checkKey(request);
        return found.value(toCall(request, response, url, found.params));
      },
    };
  }

  #findInToolbox(method: string, url: URL, { id, path }: ToolboxPlace): Target {
    const found = findRoute(TOOLBOX_ROUTES, method, path);
    if (!found) return toNothing(method, url);
    return {
      name: found.name.replace(" ", " /toolbox"),
      run: (request, response) => {
        const sandbox = this.#enter(request, url, { id, path });
        const countBytes = (direction: "up" | "down", bytes: number) => {
          sandbox.bytes[direction] += bytes;
        };
        const { executeCapMs } = this.#parts;
        const call = toCall(request, response, url, found.params);
        return found.value({ ...call, toolbox: sandbox.toolbox, countBytes, executeCapMs });
      },
    };
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { events, interceptor } = this.#parts;
    const url = toUrl(request);
    const accept = () =>
      new Promise<WebSocket>((resolve) => {
        this.#sockets.handleUpgrade(request, socket, head, resolve);
      });
    socket.on("error", () => socket.destroy());
    try {
      if (url.pathname === "/api/socket.io/") {
        await interceptor.before("WS /api/socket.io/", request.socket);
        return events.greet(await accept());
      }
      const [, door, id = "", ...rest] = url.pathname.split("/");
      const path = `/${rest.join("/")}`;
      const found = door === "toolbox" ? findRoute(SOCKET_ROUTES, "WS", path) : undefined;
      if (!found) throw new ApiError(404, `Cannot GET ${url.pathname}`);
      await interceptor.before(found.name.replace(" ", " /toolbox"), request.socket);
      const sandbox = this.#enter(request, url, { id, path });
      const protocols = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((one) => one.trim());
      const { toolbox } = sandbox;
      const param = (name: string) => found.params[name] ?? "";
      await found.value({ toolbox, query: url.searchParams, param, protocols, accept, touch: () => sandbox.touch() });
    } catch (error) {
      if (error instanceof ConnectionCut) return;
      const refusal = toApiError(error);
      const body = JSON.stringify(toErrorBody(refusal, "GET", url.pathname));
      const headers = `Content-Type: application/json\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}`;
      socket.end(`HTTP/1.1 ${refusal.status} Refused\r\n${headers}\r\n\r\n${body}`);
    }
  }

  /** A sandbox for whoever may: it counts as a call. @throws 401, 404 */
  #enter(request: IncomingMessage, url: URL, { id, path }: ToolboxPlace): EmulatedSandbox {
    const sandbox = this.#parts.cloud.get(id);
    const token = url.searchParams.get("DAYTONA_SANDBOX_AUTH_KEY") ?? request.headers["x-daytona-preview-token"];
    const isLetIn =
      token === sandbox.authToken ||
      (SIGNED_PATHS.has(path) && isSigned(sandbox.signingKey, request.method ?? "", url.searchParams));
    if (!isLetIn) this.#checkKey(request);
    sandbox.touch();
    return sandbox;
  }

  /** @throws 401 */
  #checkKey({ headers }: IncomingMessage): void {
    if (this.#parts.isKey((headers.authorization ?? "").replace(/^Bearer /, ""))) return;
    throw new ApiError(401, "Invalid credentials", { source: "DAYTONA_API" });
  }
}

interface ToolboxPlace {
  readonly id: string;
  readonly path: string;
}

function toUrl({ url = "/" }: IncomingMessage): URL {
  return new URL(url, "http://localhost");
}

function toNothing(method: string, { pathname }: URL): Target {
  return {
    name: `${method} ${pathname}`,
    run: () => {
      throw new ApiError(404, `Cannot ${method} ${pathname}`);
    },
  };
}

function toCall(
  request: IncomingMessage,
  response: ServerResponse,
  { searchParams: query }: URL,
  params: Readonly<Record<string, string>>,
): Call {
  return { request, response, query, param: (name) => params[name] ?? "" };
}

function send(response: ServerResponse, { status, body }: Answer): void {
  if (body === undefined) return void response.writeHead(status).end();
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

function toApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(500, String(error));
}

/** The one that says how a terminal's end is told, and else the first, as a browser wants one of its own. */
function pickProtocol(offered: Set<string>): string | false {
  return offered.has(EXIT_CONTROL) ? EXIT_CONTROL : ([...offered][0] ?? false);
}
