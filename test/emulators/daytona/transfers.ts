import { createHmac, timingSafeEqual } from "node:crypto";
import type { ServerResponse } from "node:http";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { text } from "node:stream/consumers";
import { ApiError, toErrorBody } from "./api-error.ts";
import { type FileTools, toRefusal } from "./file-tools.ts";
import { type FormPart, readForm } from "./multipart.ts";
import type { Call } from "./routes.ts";
import type { Toolbox } from "./toolbox.ts";

/** What has come of a form until now. */
interface BulkUpload {
  /** By the index in the form. */
  readonly paths: Map<string, string>;
  readonly errors: string[];
  readonly files: object[];
}

/** Hears how many bytes of files have come or gone. */
export type CountBytes = (direction: "up" | "down", bytes: number) => void;

const BOUNDARY = "DAYTONA-FILE-BOUNDARY";
const WRITE = 'mkdir -p -- "$(dirname -- "$0")" && exec cat >"$0"';

/** Files on their way into a sandbox and out of it. */
export class Transfers {
  readonly #toolbox: Toolbox;
  readonly #files: FileTools;
  readonly #count: CountBytes;

  constructor(toolbox: Toolbox, files: FileTools, count: CountBytes) {
    this.#toolbox = toolbox;
    this.#files = files;
    this.#count = count;
  }

  /** A form of `files[n].path` and `files[n].file`, in this order. @throws 400 with all that failed, in one */
  async uploadAll({ request }: Call): Promise<object> {
    const upload: BulkUpload = { paths: new Map(), errors: [], files: [] };
    try {
      for await (const part of readForm(request, request.headers["content-type"] ?? "")) await this.#take(part, upload);
    } catch (error) {
      upload.errors.push(`reading part: ${String(error)}`);
    }
    request.resume();
    const { errors, files } = upload;
    if (errors.length > 0) throw new ApiError(400, errors.join("; "), { source: "DAYTONA_DAEMON" });
    return { files };
  }

  /** One file, as a form's field "file" or as the body itself. */
  async upload({ request, query }: Call): Promise<object> {
    const path = query.get("path") ?? "";
    if (path === "") throw new ApiError(400, "path is required", { source: "DAYTONA_DAEMON" });
    const type = request.headers["content-type"] ?? "";
    if (!type.startsWith("multipart/form-data")) return this.#answer(path, await this.#write(path, request));
    for await (const { name, body } of readForm(request, type)) {
      if (name === "file") return this.#answer(path, await this.#write(path, body));
    }
    throw new ApiError(400, "file is required", { source: "DAYTONA_DAEMON" });
  }

  /** A form with a part for each path: "file" with its bytes, or "error" with what is the matter, as JSON. */
  async downloadAll(paths: readonly string[], response: ServerResponse): Promise<void> {
    response.writeHead(200, { "Content-Type": `multipart/form-data; boundary=${BOUNDARY}` });
    for (const path of paths) {
      const size = await this.#size(path).catch((error: unknown) => toApiError(error));
      if (size instanceof ApiError) {
        response.write(`${toHead("error", path, "application/json; charset=utf-8")}\r\n`);
        response.write(`${JSON.stringify(toErrorBody(size, "POST", path))}\r\n`);
        continue;
      }
      response.write(`${toHead("file", path, "application/octet-stream")}Content-Length: ${size}\r\n\r\n`);
      await this.#read(path, response);
      response.write("\r\n");
    }
    response.end(`--${BOUNDARY}--\r\n`);
  }

  /** One file as the answer itself. @throws 404, 400 for a folder */
  async download(path: string, response: ServerResponse): Promise<void> {
    const size = await this.#size(path);
    response.writeHead(200, { "Content-Type": "application/octet-stream", "Content-Length": size });
    await this.#read(path, response);
    response.end();
  }

  async #take({ name, body }: FormPart, { paths, errors, files }: BulkUpload): Promise<void> {
    const [, index = "", field] = /^files\[(.*)\]\.(path|file)$/.exec(name) ?? [];
    if (field === "path") return void paths.set(index, (await text(body)).trim());
    const path = paths.get(index);
    if (path === undefined) return void errors.push(`file[${index}]: missing .path metadata`);
    try {
      files.push({ path, bytes: await this.#write(path, body) });
    } catch (error) {
      errors.push(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #size(path: string): Promise<number> {
    const { isDir, size } = await this.#files.describe(path);
    if (!isDir) return size;
    const details = { code: "INVALID_FILE_PATH", source: "DAYTONA_DAEMON" } as const;
    throw new ApiError(400, `invalid file path: path points to a directory: ${path}`, details);
  }

  async #read(path: string, response: ServerResponse): Promise<void> {
    const process = await this.#toolbox.start(["cat", "--", this.#files.resolve(path)], { cwd: "/" });
    process.stdin.end();
    process.stderr.resume();
    process.stdout.on("data", (chunk: Buffer) => this.#count("down", chunk.byteLength));
    await pipeline(process.stdout, response, { end: false });
  }

  async #write(path: string, body: Readable): Promise<number> {
    let bytes = 0;
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.byteLength;
        done(null, chunk);
      },
    });
    body.on("error", (error) => counted.destroy(error));
    const argv = ["sh", "-c", WRITE, this.#files.resolve(path)];
    const { code, stderr } = await this.#toolbox.run(argv, body.pipe(counted));
    body.resume();
    if (code !== 0) throw toRefusal(stderr);
    this.#count("up", bytes);
    return bytes;
  }

  #answer(path: string, bytes: number): object {
    return { name: path.split("/").at(-1), path: this.#files.resolve(path), type: "file", bytes };
  }
}

/**
 * Whether an address was signed for this method and path and is still good; `expires` is in seconds since 1970, and 0 is
 * for good. Source: `fileUrlSigning.js` of the SDK.
 */
export function isSigned(key: string, method: string, query: URLSearchParams): boolean {
  const [path, expires, signature] = ["path", "expires", "signature"].map((name) => query.get(name) ?? "");
  const digest = createHmac("sha256", key).update(`v1:files:${method}:${path}:${expires}`).digest("base64url");
  const [wanted, given] = [Buffer.from(`v1_${digest}`), Buffer.from(signature ?? "")];
  if (wanted.byteLength !== given.byteLength || !timingSafeEqual(wanted, given)) return false;
  return expires === "0" || Number(expires) * 1000 > Date.now();
}

function toApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(500, String(error), { source: "DAYTONA_DAEMON" });
}

function toHead(name: string, path: string, type: string): string {
  const escaped = path.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  const disposition = `form-data; name="${name}"; filename="${escaped}"; filename*=utf-8''${toExtended(path)}`;
  return `--${BOUNDARY}\r\nContent-Disposition: ${disposition}\r\nContent-Type: ${type}\r\n`;
}

/** Source: RFC 8187, section 3.2.1. */
function toExtended(value: string): string {
  return encodeURIComponent(value).replaceAll(/['()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}
