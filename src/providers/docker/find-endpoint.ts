import { createHash } from "node:crypto";
import { posix, win32 } from "node:path";
import { SandboxError } from "../../core/sandbox-error.ts";

/** Client certificate and authority, PEM. */
interface EndpointTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** The docker context says not to verify the daemon's certificate. */
  readonly skipVerify: boolean;
}

/** Where a Docker (or Podman) daemon listens. */
export type Endpoint =
  /** A unix socket or a Windows named pipe. */
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tls?: EndpointTls }
  /** Reached by the user's own `ssh`, as the docker command does. */
  | { readonly kind: "ssh"; readonly destination: string; readonly port?: number };

/** What finding an endpoint looks at. */
export interface EndpointSources {
  readonly env: NodeJS.ProcessEnv;
  readonly platform: NodeJS.Platform;
  readonly homeFolder: string;
  /** The text of a file, or undefined when it can't be read. */
  readFile(path: string): string | undefined;
  /** Whether a socket is there and may be used. */
  probeSocket(path: string): "usable" | "denied" | "missing";
}

/** What the user set; both empty means: as the docker command would. */
export interface EndpointChoice {
  readonly host?: string | undefined;
  readonly context?: string | undefined;
}

/**
 * Finds the daemon in the order of the docker command: the settings, DOCKER_HOST, DOCKER_CONTEXT, the current context,
 * then the usual sockets of Docker, rootless Docker, Docker Desktop, Colima, OrbStack and Podman.
 * @throws {SandboxError} `invalid` for a host or context that makes no sense, `unavailable` when there is none
 */
export function findEndpoint(choice: EndpointChoice, sources: EndpointSources): Endpoint {
  if (choice.host) return parseHost(choice.host, readEnvTls(sources));
  if (choice.context && choice.context !== "default") return readContext(choice.context, sources);
  const fromEnv = sources.env["DOCKER_HOST"];
  if (fromEnv) return parseHost(fromEnv, readEnvTls(sources));
  const current = choice.context ?? sources.env["DOCKER_CONTEXT"] ?? readCurrentContext(sources);
  if (current && current !== "default") return readContext(current, sources);
  return findSocket(sources);
}

/** For people: "unix:///var/run/docker.sock". */
export function describeEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === "socket") return endpoint.path;
  if (endpoint.kind === "tcp") return `${endpoint.tls ? "https" : "tcp"}://${endpoint.host}:${endpoint.port}`;
  return `ssh://${endpoint.destination}${endpoint.port === undefined ? "" : `:${endpoint.port}`}`;
}

function parseHost(host: string, tls: EndpointTls | undefined): Endpoint {
  const [, scheme, path] = /^(unix|npipe):\/\/(.+)$/.exec(host) ?? [];
  if (path) return { kind: "socket", path: scheme === "npipe" ? path.replaceAll("/", "\\") : path };
  const text = host.includes("://") ? host : `tcp://${host}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.hostname) {
    if (/^(?:tcp|https?):$/.test(url.protocol)) return toTcp(url, tls);
    if (url.protocol === "ssh:") return toSsh(url, host);
  }
  throw new SandboxError(
    "invalid",
    `"${host}" is not a Docker host. Use unix:///path, tcp://host:port or ssh://user@host.`,
  );
}

function toTcp(url: URL, tls: EndpointTls | undefined): Endpoint {
  const secure = tls ?? (url.protocol === "https:" ? { skipVerify: false } : undefined);
  const port = url.port === "" ? (secure ? 2376 : 2375) : Number(url.port);
  // An IPv6 address stands in brackets in a URL only.
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return secure ? { kind: "tcp", host, port, tls: secure } : { kind: "tcp", host, port };
}

function toSsh(url: URL, text: string): Endpoint {
  const user = decodeURIComponent(url.username);
  const destination = user === "" ? url.hostname : `${user}@${url.hostname}`;
  // A leading dash would be read by ssh as an option, which can run programs.
  if (destination.startsWith("-") || /[^\w.@%+:[\]-]/.test(destination) || url.password !== "")
    throw new SandboxError("invalid", `"${text}" is not an SSH host that can be used. Use ssh://user@host.`);
  if (url.pathname !== "" && url.pathname !== "/")
    throw new SandboxError("invalid", `The Docker host "${text}" has a path; over SSH only ssh://user@host works.`);
  return url.port === "" ? { kind: "ssh", destination } : { kind: "ssh", destination, port: Number(url.port) };
}

function readEnvTls(sources: EndpointSources): EndpointTls | undefined {
  const { env } = sources;
  if (!env["DOCKER_TLS_VERIFY"] && !env["DOCKER_CERT_PATH"]) return undefined;
  return readTls(env["DOCKER_CERT_PATH"] ?? toConfigFolder(sources), sources, false);
}

function readTls(folder: string, sources: EndpointSources, skipVerify: boolean): EndpointTls {
  const path = pathsOf(sources);
  const files = { ca: "ca.pem", cert: "cert.pem", key: "key.pem" };
  const found = Object.entries(files).flatMap(([name, file]) => {
    const text = sources.readFile(path.join(folder, file));
    return text === undefined ? [] : [[name, text]];
  });
  return { ...Object.fromEntries(found), skipVerify };
}

function readCurrentContext(sources: EndpointSources): string | undefined {
  const text = sources.readFile(pathsOf(sources).join(toConfigFolder(sources), "config.json"));
  const name = readField(parseJson(text), "currentContext");
  return typeof name === "string" ? name : undefined;
}

function readContext(name: string, sources: EndpointSources): Endpoint {
  const path = pathsOf(sources);
  const contexts = path.join(toConfigFolder(sources), "contexts");
  const id = createHash("sha256").update(name).digest("hex");
  const meta = parseJson(sources.readFile(path.join(contexts, "meta", id, "meta.json")));
  const docker = readField(readField(meta, "Endpoints"), "docker");
  const host = readField(docker, "Host");
  if (typeof host !== "string" || host === "")
    throw new SandboxError(
      "invalid",
      `There is no Docker context "${name}". "docker context ls" lists those there are.`,
    );
  const skipVerify = readField(docker, "SkipTLSVerify") === true;
  const tls = readTls(path.join(contexts, "tls", id, "docker"), sources, skipVerify);
  const hasTls = skipVerify || tls.ca !== undefined || tls.cert !== undefined;
  return parseHost(host, hasTls ? tls : undefined);
}

function findSocket(sources: EndpointSources): Endpoint {
  const candidates = listSockets(sources).map((path) => ({ path, state: sources.probeSocket(path) }));
  // A socket that is denied is still the better answer than none: its error says how to be let in.
  const found =
    candidates.find(({ state }) => state === "usable") ?? candidates.find(({ state }) => state === "denied");
  if (found) return { kind: "socket", path: found.path };
  throw new SandboxError(
    "unavailable",
    "Docker is not running: none of its sockets is there. Start Docker (or Podman's socket), or install it, and try again.",
  );
}

function listSockets({ env, platform, homeFolder }: EndpointSources): string[] {
  if (platform === "win32") return ["\\\\.\\pipe\\docker_engine", "\\\\.\\pipe\\podman-machine-default"];
  const runtime = env["XDG_RUNTIME_DIR"];
  const ofUser = runtime ? [`${runtime}/docker.sock`] : [];
  const ofPodman = runtime ? [`${runtime}/podman/podman.sock`] : [];
  return [
    "/var/run/docker.sock",
    ...ofUser,
    `${homeFolder}/.docker/run/docker.sock`,
    `${homeFolder}/.docker/desktop/docker.sock`,
    `${homeFolder}/.colima/default/docker.sock`,
    `${homeFolder}/.orbstack/run/docker.sock`,
    ...ofPodman,
    "/run/podman/podman.sock",
    `${homeFolder}/.local/share/containers/podman/machine/podman.sock`,
  ];
}

function toConfigFolder(sources: EndpointSources): string {
  return sources.env["DOCKER_CONFIG"] ?? pathsOf(sources).join(sources.homeFolder, ".docker");
}

function pathsOf({ platform }: EndpointSources): typeof posix {
  return platform === "win32" ? win32 : posix;
}

function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readField(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.entries(value).find(([name]) => name === key)?.[1];
}
