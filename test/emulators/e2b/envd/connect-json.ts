import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

// The Connect protocol with JSON. Source: https://connectrpc.com/docs/protocol

/** What a call of the daemon fails with. */
export type ConnectCode =
  | "already_exists"
  | "canceled"
  | "deadline_exceeded"
  | "failed_precondition"
  | "internal"
  | "invalid_argument"
  | "not_found"
  | "permission_denied"
  | "resource_exhausted"
  | "unauthenticated"
  | "unavailable"
  | "unimplemented"
  | "unknown";

/** An error that a client is told of in the protocol's own words. */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
  readonly code: ConnectCode;

  constructor(code: ConnectCode, message: string) {
    super(message);
    this.code = code;
  }
}

const STATUS: Readonly<Record<ConnectCode, number>> = {
  already_exists: 409,
  canceled: 499,
  deadline_exceeded: 504,
  failed_precondition: 400,
  internal: 500,
  invalid_argument: 400,
  not_found: 404,
  permission_denied: 403,
  resource_exhausted: 429,
  unauthenticated: 401,
  unavailable: 503,
  unimplemented: 501,
  unknown: 500,
};
const HEAD_BYTES = 5;
const END_FLAG = 2;

/** Whether a call's answer comes in parts. */
function isStreaming({ headers }: IncomingMessage): boolean {
  return (headers["content-type"] ?? "").startsWith("application/connect+json");
}

/** The one message of a request, of which there is nothing besides JSON's own types. */
export async function readMessage<Message>(request: IncomingMessage): Promise<Message> {
  const body = await buffer(request);
  const json = isStreaming(request) ? body.subarray(HEAD_BYTES) : body;
  return JSON.parse(json.toString() || "{}");
}

/** Answers a call that has one answer. */
export function sendMessage(response: ServerResponse, message: object): void {
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(message));
}

/** Answers a call that has failed: as a stream's end when it is one. */
export function sendConnectError(request: IncomingMessage, response: ServerResponse, error: ConnectError): void {
  const { code, message } = error;
  if (isStreaming(request)) endStream(response, { error: { code, message } });
  else response.writeHead(STATUS[code], { "Content-Type": "application/json" }).end(JSON.stringify({ code, message }));
}

/** Sends one more message of an answer that comes in parts. */
export function sendPart(response: ServerResponse, message: object): void {
  startStream(response);
  response.write(toFrame(message, 0));
}

/** Ends an answer that comes in parts; `trailer` says whether it failed. */
export function endStream(response: ServerResponse, trailer: object = {}): void {
  if (response.writableEnded) return;
  startStream(response);
  response.end(toFrame(trailer, END_FLAG));
}

function startStream(response: ServerResponse): void {
  if (!response.headersSent) response.writeHead(200, { "Content-Type": "application/connect+json" });
}

/** One byte of flags, the length in four, and JSON. */
function toFrame(message: object, flag: number): Buffer {
  const json = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt8(flag);
  head.writeUInt32BE(json.byteLength, 1);
  return Buffer.concat([head, json]);
}
