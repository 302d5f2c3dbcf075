import { once } from "node:events";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { ApiError } from "../api-error.ts";
import type { EmulatedSandbox } from "../sandbox.ts";
import { type SandboxUser, USER, findUser, toAbsolute } from "../users.ts";
import { ConnectError } from "./connect-json.ts";
import { checkSignature } from "./file-signature.ts";
import { checkFileTool, startFileTool } from "./file-tools.ts";
import type { RpcCall } from "./rpc-call.ts";

/** What the daemon says of a file that was written. */
interface WrittenFile {
  readonly name: string;
  readonly path: string;
  readonly type: "file";
}

const STATUS: Readonly<Record<string, number>> = { invalid_argument: 400, not_found: 404 };
const NEWLINE = 10;

/** `GET /files?path=`: the content, whole. */
export async function sendFile(call: RpcCall, query: URLSearchParams): Promise<void> {
  const { sandbox, request, response } = call;
  checkSignature(call, query, "read");
  const file = toFile(query.get("path") ?? "", toUser(query));
  const tool = await startFileTool(sandbox, { operation: "read", ...file });
  tool.stdin.end();
  const size = await readSize(tool.stdout);
  if (size === undefined) await failAs(checkFileTool(tool));
  const isZipped = request.headers["accept-encoding"] === "gzip";
  response.writeHead(200, {
    "Content-Type": "application/octet-stream",
    "Content-Disposition": `inline; filename="${encodeURIComponent(path.basename(file.path))}"`,
    ...(isZipped ? { "Content-Encoding": "gzip" } : { "Content-Length": size }),
  });
  tool.stderr.resume();
  if (isZipped) await pipeline(tool.stdout, createGzip(), response);
  else await pipeline(tool.stdout, response);
}

/** `POST /files[?path=]`: one file as it is, or a form whose fields "file" are one each. */
export async function receiveFiles(call: RpcCall, query: URLSearchParams): Promise<void> {
  const { sandbox, request, response } = call;
  checkSignature(call, query, "write");
  const type = request.headers["content-type"] ?? "";
  const body: Readable = request.headers["content-encoding"] === "gzip" ? request.pipe(createGunzip()) : request;
  const given = query.get("path");
  const written: WrittenFile[] = [];
  if (type.startsWith("multipart/form-data")) {
    for (const { name, data } of await readForm(body, type)) {
      written.push(await write(sandbox, toFile(given ?? name, toUser(query)), data));
    }
  } else {
    if (given === null) throw new ApiError(400, "path query parameter is required for raw body upload");
    written.push(await write(sandbox, toFile(given, toUser(query)), body));
  }
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(written));
}

interface FilePlace {
  readonly path: string;
  readonly user: SandboxUser;
}

async function write(sandbox: EmulatedSandbox, file: FilePlace, body: Readable): Promise<WrittenFile> {
  const tool = await startFileTool(sandbox, { operation: "write", ...file });
  tool.stdout.resume();
  // When the tool reads no more, it says itself why.
  const copied = pipeline(body, tool.stdin).catch(() => void body.resume());
  await Promise.all([failAs(checkFileTool(tool)), copied]);
  return { name: path.basename(file.path), path: file.path, type: "file" };
}

/** The fields "file" of a form; each is named by its path. */
async function readForm(body: Readable, type: string): Promise<{ name: string; data: Readable }[]> {
  const form = await new Response(Readable.toWeb(body), { headers: { "content-type": type } }).formData();
  const files = form.getAll("file").filter((field) => typeof field !== "string");
  return files.map((file) => ({ name: file.name, data: Readable.fromWeb(file.stream()) }));
}

function toUser(query: URLSearchParams): SandboxUser {
  const name = query.get("username") ?? USER;
  const user = findUser(name);
  if (!user) throw new ApiError(401, `error looking up user '${name}'`);
  return user;
}

function toFile(given: string, user: SandboxUser): FilePlace {
  try {
    return { path: toAbsolute(given, user), user };
  } catch (error) {
    throw new ApiError(400, error instanceof Error ? error.message : "");
  }
}

/** The same failure in the words of plain HTTP. */
async function failAs(work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => {
    throw error instanceof ConnectError ? new ApiError(STATUS[error.code] ?? 500, error.message) : error;
  });
}

/** The first line, which is the size; undefined when there is none. What follows it stays in the stream. */
async function readSize(stream: Readable): Promise<string | undefined> {
  let head = Buffer.alloc(0);
  while (!head.includes(NEWLINE)) {
    const chunk = await readChunk(stream);
    if (!chunk) return undefined;
    head = Buffer.concat([head, chunk]);
  }
  const end = head.indexOf(NEWLINE);
  if (end + 1 < head.byteLength) stream.unshift(head.subarray(end + 1));
  return head.toString("latin1", 0, end);
}

/** Undefined at the end. */
async function readChunk(stream: Readable): Promise<Buffer | undefined> {
  for (;;) {
    const chunk: unknown = stream.read();
    if (Buffer.isBuffer(chunk)) return chunk;
    if (stream.readableEnded || stream.destroyed) return undefined;
    await Promise.race([once(stream, "readable"), once(stream, "end"), once(stream, "close")]);
  }
}
