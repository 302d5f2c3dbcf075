import { createHash } from "node:crypto";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { SavedImage } from "./saved-image.ts";

/** A registry on the loopback, for pulls alone. */
export interface Registry {
  /** "127.0.0.1:port": Docker speaks plain HTTP to registries there. */
  readonly address: string;
  /** How many blobs have been sent whole. */
  readonly blobsSent: number;
  stop(): Promise<void>;
}

const MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json";
const LIST_TYPE = "application/vnd.docker.distribution.manifest.list.v2+json";
const SLOW_PAUSE_MS = 20;
const CHUNK_BYTES = 64 * 1024;

/**
 * Serves one image under any repository name with the tag "latest"; the first part of the name chooses the manners:
 * `private/` asks for a sign-in, `limited/` has no pulls left, `foreign/` has only another kind of processor's, `slow/`
 * sends its layers over some seconds. Source: OCI Distribution Specification 1.1 and Docker Image Manifest V2, Schema 2.
 */
export async function startRegistry(image: SavedImage): Promise<Registry> {
  const blobs = new Map([image.config, ...image.layers].map((blob) => [toDigest(blob), blob]));
  const manifest = Buffer.from(JSON.stringify(toManifest(image)));
  const state = { blobsSent: 0 };
  const server = createServer((request, response) => {
    answer({ blobs, manifest, state }, request, response).catch((error: unknown) => response.destroy(toError(error)));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The registry has no port.");
  return {
    address: `127.0.0.1:${address.port}`,
    get blobsSent() {
      return state.blobsSent;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Contents {
  readonly blobs: ReadonlyMap<string, Buffer>;
  readonly manifest: Buffer;
  readonly state: { blobsSent: number };
}

async function answer(contents: Contents, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === "/v2/") return void response.end("{}");
  const [, manners = "", kind, reference = ""] =
    /^\/v2\/([^/]+)(?:\/.+)?\/(manifests|blobs)\/([^/]+)$/.exec(String(request.url)) ?? [];
  if (manners === "private" && request.headers.authorization === undefined) return askToSignIn(response);
  if (manners === "limited") return refuse(response, 429, "TOOMANYREQUESTS", "You have reached your pull rate limit.");
  if (kind === "manifests") return sendManifest(contents, manners, reference, response);
  await sendBlob(contents, { reference, isSlow: manners === "slow" }, request, response);
}

function askToSignIn(response: ServerResponse): void {
  response.setHeader("WWW-Authenticate", 'Basic realm="test"');
  refuse(response, 401, "UNAUTHORIZED", "authentication required");
}

function sendManifest(contents: Contents, manners: string, reference: string, response: ServerResponse): void {
  const isForeign = manners === "foreign";
  const body = isForeign ? Buffer.from(JSON.stringify(toForeignList(contents.manifest))) : contents.manifest;
  if (reference !== "latest" && reference !== toDigest(body))
    return refuse(response, 404, "MANIFEST_UNKNOWN", "manifest unknown");
  response.setHeader("Content-Type", isForeign ? LIST_TYPE : MANIFEST_TYPE);
  response.setHeader("Docker-Content-Digest", toDigest(body));
  response.setHeader("Content-Length", body.byteLength);
  response.end(body);
}

async function sendBlob(
  { blobs, state }: Contents,
  { reference, isSlow }: { reference: string; isSlow: boolean },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const blob = blobs.get(reference);
  if (!blob) return refuse(response, 404, "BLOB_UNKNOWN", "blob unknown to registry");
  response.setHeader("Content-Type", "application/octet-stream");
  response.setHeader("Content-Length", blob.byteLength);
  if (request.method === "HEAD") return void response.end();
  for (let at = 0; at < blob.byteLength && !response.destroyed; at += CHUNK_BYTES) {
    response.write(blob.subarray(at, at + CHUNK_BYTES));
    if (isSlow) await delay(SLOW_PAUSE_MS);
  }
  response.end();
  state.blobsSent++;
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ errors: [{ code, message }] }));
}

function toManifest({ config, layers }: SavedImage): object {
  return {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: toDescriptor("application/vnd.docker.container.image.v1+json", config),
    layers: layers.map((layer) => toDescriptor("application/vnd.docker.image.rootfs.diff.tar.gzip", layer)),
  };
}

function toDescriptor(mediaType: string, blob: Buffer): object {
  return { mediaType, size: blob.byteLength, digest: toDigest(blob) };
}

function toForeignList(manifest: Buffer): object {
  const platform = { os: "linux", architecture: "s390x" };
  const only = { mediaType: MANIFEST_TYPE, size: manifest.byteLength, digest: toDigest(manifest), platform };
  return { schemaVersion: 2, mediaType: LIST_TYPE, manifests: [only] };
}

function toDigest(blob: Buffer): string {
  return `sha256:${createHash("sha256").update(blob).digest("hex")}`;
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
