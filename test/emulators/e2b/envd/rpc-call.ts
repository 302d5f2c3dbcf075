import type { IncomingMessage, ServerResponse } from "node:http";
import type { EmulatedSandbox } from "../sandbox.ts";
import { type SandboxUser, USER, findUser } from "../users.ts";
import { ConnectError } from "./connect-json.ts";

/** One call of the daemon in a sandbox. */
export interface RpcCall {
  readonly sandbox: EmulatedSandbox;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** What answers a call; throws {@link ConnectError}. */
export type RpcMethod = (call: RpcCall) => Promise<void>;

const DEFAULT_KEEPALIVE_SECONDS = 90;

/** Who a call is made for: named by Basic authentication without a password. @throws ConnectError unauthenticated */
export function toCaller({ headers }: IncomingMessage): SandboxUser {
  const [, encoded = ""] = /^Basic (.+)$/.exec(headers.authorization ?? "") ?? [];
  const name = Buffer.from(encoded, "base64").toString().split(":")[0] || USER;
  const found = findUser(name);
  if (!found) throw new ConnectError("unauthenticated", `invalid username: '${name}'`);
  return found;
}

/** How long a call may take, in milliseconds; undefined without an end. */
export function toTimeout({ headers }: IncomingMessage): number | undefined {
  return Number(headers["connect-timeout-ms"] ?? 0) || undefined;
}

/** Calls `send` as often as the client wants to hear that a stream lives. Returns what stops it. */
export function keepAlive({ headers }: IncomingMessage, send: () => void): () => void {
  const seconds = Number(headers["keepalive-ping-interval"] ?? 0) || DEFAULT_KEEPALIVE_SECONDS;
  const timer = setInterval(send, seconds * 1000);
  return () => clearInterval(timer);
}
