import { createInterface } from "node:readline";
import type { Call } from "../../core/call.ts";
import type { Progress } from "../../core/provider.ts";
import { type ErrorCode, SandboxError } from "../../core/sandbox-error.ts";
import type { DockerClient } from "./docker-client.ts";
import { readMessage, readStatus, toSandboxError } from "./to-sandbox-error.ts";

/** Makes sure that the daemon has the image; pulls it when it doesn't, telling how far it is. */
export async function ensureImage(
  { docker, place }: DockerClient,
  image: string,
  call: Call,
  progress: Progress,
): Promise<void> {
  try {
    await docker.getImage(image).inspect();
    return;
  } catch (error) {
    if (readStatus(error) !== 404) throw error;
  }
  progress(`Pulling ${image}`);
  try {
    const stream = await docker.pull(toPullName(image), { abortSignal: call.signal });
    await followPull(stream, createPullProgress(image, progress));
  } catch (error) {
    throw toPullError(error, image, place);
  }
}

/** Without a tag or digest, Docker would pull all tags there are. */
function toPullName(image: string): string {
  return /(?::[^/]+|@[^/]+)$/.test(image) ? image : `${image}:latest`;
}

/** One line of what the daemon tells about a pull. */
interface PullEvent {
  readonly id?: string;
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly error?: string;
}

async function followPull(stream: NodeJS.ReadableStream, onEvent: (event: PullEvent) => void): Promise<void> {
  // readline swallows the errors of its input.
  let failure: Error | undefined;
  stream.on("error", (error: Error) => (failure = error));
  for await (const line of createInterface({ input: stream })) {
    if (line.trim() === "") continue;
    const event = parseEvent(line);
    if (event.error) throw new Error(event.error);
    onEvent(event);
  }
  if (failure) throw failure;
}

function parseEvent(line: string): PullEvent {
  return JSON.parse(line);
}

/** Sums the layers up to one figure; speaks when it has changed. */
export function createPullProgress(image: string, progress: Progress): (event: PullEvent) => void {
  const layers = new Map<string, Layer>();
  let last = "";
  return (event) => {
    if (!updateLayer(layers, event)) return;
    const total = sum(layers, "totalBytes");
    const message = `Pulling ${image}, ${Math.floor((100 * sum(layers, "doneBytes")) / total)} %`;
    if (message !== last) progress(message);
    last = message;
  };
}

interface Layer {
  doneBytes: number;
  readonly totalBytes: number;
}

/** Returns whether anything changed. */
function updateLayer(layers: Map<string, Layer>, { id, status, progressDetail }: PullEvent): boolean {
  if (id === undefined || status === undefined) return false;
  const layer = layers.get(id);
  if (status === "Downloading" && progressDetail?.total) {
    layers.set(id, { doneBytes: progressDetail.current ?? 0, totalBytes: progressDetail.total });
  } else if (layer && /^(?:Download|Pull) complete|^Extracting|^Verifying/.test(status)) {
    layer.doneBytes = layer.totalBytes;
  } else return false;
  return true;
}

function sum(layers: ReadonlyMap<string, Layer>, key: keyof Layer): number {
  let total = 0;
  for (const layer of layers.values()) total += layer[key];
  return total;
}

const PULL_FAILURES: readonly (readonly [RegExp, ErrorCode, (image: string) => string])[] = [
  [
    /unauthorized|authentication required|no basic auth|access to the resource is denied|pull access denied|may require 'docker login'|denied:/i,
    "auth",
    (image) =>
      `The registry does not give out the image ${image}: it does not exist, or you have to sign in. ` +
      `Check the name, or run "docker login" and "docker pull ${image}", then try again.`,
  ],
  [
    /manifest unknown|manifest for .* not found|not found: manifest|name unknown|no such image|not found/i,
    "not-found",
    (image) => `There is no image ${image}. Check its name and tag.`,
  ],
  [
    /no such host|i\/o timeout|connection refused|network is unreachable|TLS handshake|server misbehaving|request canceled|deadline exceeded|no route to host|EOF|proxyconnect/i,
    "unavailable",
    (image) =>
      `Docker can't reach the registry of the image ${image}. Check the network (and the proxy of the Docker daemon), ` +
      'or choose an image that is there already ("docker images").',
  ],
];

function toPullError(error: unknown, image: string, place: string): SandboxError {
  const general = toSandboxError(error, place);
  // Those already say what to do: no disk, rate limit, no such platform, a bad name, no daemon.
  if (general.code === "quota" || general.code === "unsupported" || general.code === "invalid") return general;
  const said = readMessage(error);
  for (const [pattern, code, tell] of PULL_FAILURES) {
    if (pattern.test(said) && !("code" in Object(error)))
      return new SandboxError(code, `${tell(image)} (Docker: ${said})`, { cause: error });
  }
  return general;
}
