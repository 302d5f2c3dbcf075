import type { WebSocket } from "ws";
import { toFrames } from "./labelled-log.ts";
import type { PtyRequest } from "./ptys.ts";
import type { Toolbox } from "./toolbox.ts";

/** A socket that was opened to the daemon in one sandbox. */
interface SocketCall {
  readonly toolbox: Toolbox;
  readonly query: URLSearchParams;
  param(name: string): string;
  /** The subprotocols that the client offers. */
  readonly protocols: readonly string[];
  /** Says yes to the client. */
  accept(): Promise<WebSocket>;
  /** A client is still there. */
  touch(): void;
}

/** By path below `/toolbox/<sandbox>`; the method is "WS". */
type SocketRoutes = Readonly<Record<string, (call: SocketCall) => Promise<void>>>;

const ENV_PROTOCOL = "X-Daytona-Pty-Envs~";

export const SOCKET_ROUTES: SocketRoutes = {
  "WS /process/session/:session/command/:command/logs": followLog,
  "WS /process/pty/create-connect": async (call) => {
    const pty = call.toolbox.ptys.create(toPtyRequest(call));
    pty.attach(await accept(call));
    await pty.start();
  },
  "WS /process/pty/:pty/connect": async (call) => {
    const client = await accept(call);
    try {
      const pty = call.toolbox.ptys.get(call.param("pty"));
      await pty.start();
      pty.attach(client);
    } catch (error) {
      const message = `Failed to connect to PTY session: ${error instanceof Error ? error.message : String(error)}`;
      client.send(JSON.stringify({ type: "control", status: "error", error: message }));
      client.close();
    }
  },
  "WS /process/interpreter/execute": async (call) => {
    const client = await call.accept();
    client.once("message", (data: Buffer) => call.toolbox.contexts.execute(client, data.toString()));
  },
};

/** Sends a command's log as it comes, cut at any place, and closes at its end. */
async function followLog(call: SocketCall): Promise<void> {
  const { log } = call.toolbox.sessions.get(call.param("session")).find(call.param("command"));
  const client = await call.accept();
  const closed = new AbortController();
  client.on("close", () => closed.abort());
  client.on("error", () => closed.abort());
  for await (const chunk of log.read(closed.signal)) {
    for (const frame of toFrames(chunk)) await send(client, frame);
  }
  client.close(1000);
}

/** What is typed counts as a call. */
async function accept(call: SocketCall): Promise<WebSocket> {
  const client = await call.accept();
  client.on("message", () => call.touch());
  return client;
}

function toPtyRequest({ query, protocols }: SocketCall): PtyRequest {
  const cwd = query.get("cwd");
  const env = protocols.find((protocol) => protocol.startsWith(ENV_PROTOCOL))?.slice(ENV_PROTOCOL.length);
  return {
    id: query.get("id") ?? "",
    cols: Number(query.get("cols") ?? 80),
    rows: Number(query.get("rows") ?? 24),
    ...(cwd === null ? {} : { cwd }),
    ...(env === undefined ? {} : { envs: readEnv(env) }),
  };
}

function readEnv(encoded: string): Record<string, string> {
  return JSON.parse(Buffer.from(encoded, "base64url").toString());
}

/** Resolves when the socket has taken it, also when it has gone. */
function send(client: WebSocket, frame: Buffer): Promise<void> {
  return new Promise((resolve) => {
    client.send(frame, () => resolve());
  });
}
