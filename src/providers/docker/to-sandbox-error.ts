import { type ErrorCode, SandboxError } from "../../core/sandbox-error.ts";

/** Of the daemon's own words, in order; the first that fits wins. */
const BY_MESSAGE: readonly (readonly [RegExp, ErrorCode, string])[] = [
  [
    /no space left on device/i,
    "quota",
    'The disk of the Docker host is full. Free some, for example with "docker system prune".',
  ],
  [
    /toomanyrequests|rate limit/i,
    "quota",
    "The image registry allows no more pulls for now. Sign in with “docker login”, or wait.",
  ],
  [
    /unknown runtime|unknown or invalid runtime|runtime .* not found/i,
    "unsupported",
    "The Docker daemon does not have that runtime. “docker info” lists those it has; gVisor has to be added to its daemon.json.",
  ],
  [
    /could not select device driver|nvidia-container-cli/i,
    "unsupported",
    "The Docker host can't attach a GPU. Install the NVIDIA Container Toolkit there.",
  ],
  [
    /no matching manifest|does not match the (?:specified|detected host) platform|exec format error/i,
    "unsupported",
    "The image does not exist for the Docker host's kind of processor. Choose another image.",
  ],
  [
    /exec: "\/bin\/sh"|\/bin\/sh: no such file|load executable: no such file/i,
    "invalid",
    "The image has no /bin/sh, which Sandpiper needs in it. Choose another image.",
  ],
  [
    /client sent an HTTP request to an HTTPS server/i,
    "invalid",
    "The Docker daemon wants TLS. Set DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or use a docker context that has its certificates.",
  ],
  [/minimum memory limit|invalid reference format|invalid tag/i, "invalid", "Docker refuses that."],
];

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: "invalid",
  401: "auth",
  403: "auth",
  404: "not-found",
  409: "conflict",
  429: "quota",
};

/**
 * Maps what dockerode throws (an HTTP `statusCode`, or the `code` of a socket) to our errors.
 * @param place the daemon, for people
 */
export function toSandboxError(cause: unknown, place: string): SandboxError {
  if (cause instanceof SandboxError) return cause;
  const said = readMessage(cause);
  const connection = whyUnreachable(cause, place, said);
  if (connection) return new SandboxError(connection.code, connection.message, { cause });
  for (const [pattern, code, remedy] of BY_MESSAGE) {
    if (pattern.test(said)) return new SandboxError(code, `${remedy} (Docker: ${said})`, { cause });
  }
  return new SandboxError(BY_STATUS[readStatus(cause)] ?? "unavailable", `Docker: ${said}`, { cause });
}

/** Of an answer of the daemon; 0 when there was none. */
export function readStatus(error: unknown): number {
  return error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 0;
}

/** The daemon's own words without dockerode's frame around them. */
export function readMessage(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text
    .replace(/^\(HTTP code \d+\) .*? - /, "")
    .trim()
    .slice(0, 500);
}

function whyUnreachable(cause: unknown, place: string, said: string): { code: ErrorCode; message: string } | undefined {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (["ENOENT", "ECONNREFUSED", "ENOTSOCK"].includes(code))
    return {
      code: "unavailable",
      message: `Docker is not running: nothing answers at ${place}. Start Docker and try again.`,
    };
  if (["EACCES", "EPERM"].includes(code))
    return {
      code: "unavailable",
      message:
        `You may not use the Docker socket ${place}. Join the docker group (sudo usermod -aG docker "$USER", then sign out ` +
        "and in again) or set up rootless Docker.",
    };
  if (code === "ESSH")
    return { code: "unavailable", message: `Docker over SSH failed: ${said}. Try it in a terminal first.` };
  if (code.startsWith("HPE_"))
    return {
      code: "invalid",
      message: `What answers at ${place} is no Docker daemon (${said}). Check the address (DOCKER_HOST, or the docker context's).`,
    };
  if (/^(?:ERR_TLS|ERR_SSL|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|EPROTO|ERR_OSSL)/.test(code))
    return {
      code: "invalid",
      message: `The TLS connection to the Docker daemon at ${place} failed: ${said}. Check its certificates (DOCKER_CERT_PATH, or the docker context's).`,
    };
  if (/^(?:ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN)$/.test(code))
    return {
      code: "unavailable",
      message: `The Docker daemon at ${place} can't be reached (${code}). Check the address and the network.`,
    };
  if (/^(?:ECONNRESET|EPIPE|ECONNABORTED)$/.test(code))
    return {
      code: "unavailable",
      message: `The connection to the Docker daemon at ${place} broke. Is Docker still running?`,
    };
  return undefined;
}
