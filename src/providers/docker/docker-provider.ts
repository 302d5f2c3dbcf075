import type Docker from "dockerode";
import { type Call, toCleanupCall } from "../../core/call.ts";
import type { Boundary, GpuTier, Progress, Provider, SandboxSpec, SandboxSummary } from "../../core/provider.ts";
import type { Sandbox } from "../../core/sandbox.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import { checkSpec, refuseAllowList } from "../check-spec.ts";
import type { ProviderDeps } from "../provider-deps.ts";
import {
  DEFAULT_IMAGE,
  SANDBOX_FILTER,
  listDroppedLimits,
  readLabels,
  toContainerOptions,
} from "./container-options.ts";
import { type DockerClient, createDockerClient } from "./docker-client.ts";
import { createDockerSandbox, removeContainer } from "./docker-sandbox.ts";
import { describeEndpoint, findEndpoint } from "./find-endpoint.ts";
import { prepareContainer } from "./prepare-container.ts";
import { ensureImage } from "./pull-image.ts";
import { readMachine } from "./read-machine.ts";
import { readStatus, toSandboxError } from "./to-sandbox-error.ts";
import { watchStart } from "./watch-start.ts";

/** Below it, Docker refuses or nothing starts. */
const LEAST_MEMORY_MIB = 16;
const CHECK_TIMEOUT_MS = 10_000;
const MIB = 1024 * 1024;
const GPU_TIER: GpuTier = { id: "nvidia", title: "The NVIDIA GPUs of the Docker host" };

/**
 * Docker Engine, or Podman through the same API. Options: `host` and `context` as for the docker command, `runtime` an
 * OCI runtime that the daemon has, `boundary` "gvisor" for its runtime "runsc".
 */
export function createDockerProvider(options: Readonly<Record<string, string>>, deps: ProviderDeps): Provider {
  const runtime = options["runtime"] || (options["boundary"] === "gvisor" ? "runsc" : undefined);
  const boundary = toBoundary(runtime);
  const connect = createConnector(options, deps);

  /** Runs `work` with a client and translates what it throws. */
  const call = async <T>({ signal }: Call, work: (client: DockerClient) => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    const client = connect();
    try {
      return await work(client);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw toSandboxError(error, client.place);
    }
  };

  return {
    id: "docker",
    title: boundary === "gvisor" ? "Docker (gVisor)" : "Docker",
    boundary,
    check: (context) => call(context, (client) => checkDaemon(client, runtime, context)),
    gpuTiers: (context) => call(context, readGpuTiers),
    create: (spec, context, progress = () => {}) =>
      call(context, (client) => create({ client, runtime, boundary }, spec, context, progress)),
    connect: (id, context) => call(context, (client) => reconnect(client, id, context)),
    async *list(context) {
      yield* await call(context, (client) => list(client, context));
    },
  };
}

function toBoundary(runtime = ""): Boundary {
  if (/runsc|gvisor/i.test(runtime)) return "gvisor";
  return /kata/i.test(runtime) ? "microvm" : "container";
}

/** Finds the daemon anew each time, so that one that was started meanwhile is seen; keeps the client while it is the same. */
function createConnector(options: Readonly<Record<string, string>>, deps: ProviderDeps): () => DockerClient {
  let known: { readonly endpoint: string; readonly client: DockerClient } | undefined;
  return () => {
    const choice = { host: options["host"], context: options["context"] };
    const found = findEndpoint(choice, readMachine(deps));
    const endpoint = JSON.stringify(found);
    if (known?.endpoint === endpoint) return known.client;
    try {
      known = { endpoint, client: createDockerClient(found, deps.env) };
    } catch (error) {
      throw toSandboxError(error, describeEndpoint(found));
    }
    return known.client;
  };
}

async function checkDaemon(
  { docker, place }: DockerClient,
  runtime: string | undefined,
  { signal }: Call,
): Promise<void> {
  const timeout = AbortSignal.timeout(CHECK_TIMEOUT_MS);
  const info = await readInfo(docker, AbortSignal.any([signal, timeout])).catch((error: unknown) => {
    if (timeout.aborted)
      throw new SandboxError("unavailable", `Docker at ${place} does not answer. Restart Docker and try again.`, {
        cause: error,
      });
    throw error;
  });
  if (info.osType !== "linux")
    throw new SandboxError("unsupported", "This Docker runs Windows containers. Switch Docker to Linux containers.");
  if (runtime !== undefined && !info.runtimes.includes(runtime))
    throw new SandboxError(
      "unsupported",
      `Docker at ${place} has no runtime "${runtime}" (it has ${info.runtimes.join(", ")}). Install it and add it to the ` +
        'daemon\'s /etc/docker/daemon.json under "runtimes", or choose another boundary.',
    );
}

async function readInfo(docker: Docker, signal: AbortSignal): Promise<{ osType: string; runtimes: string[] }> {
  const info = await abortable<{ OSType?: string; Runtimes?: Record<string, unknown> }>(docker.info(), signal);
  return { osType: info.OSType ?? "linux", runtimes: Object.keys(info.Runtimes ?? {}) };
}

async function readGpuTiers({ docker }: DockerClient): Promise<readonly GpuTier[]> {
  const { runtimes } = await readInfo(docker, AbortSignal.timeout(CHECK_TIMEOUT_MS));
  return runtimes.includes("nvidia") ? [GPU_TIER] : [];
}

interface CreateContext {
  readonly client: DockerClient;
  readonly runtime: string | undefined;
  readonly boundary: Boundary;
}

async function create(
  { client, runtime, boundary }: CreateContext,
  spec: SandboxSpec,
  call: Call,
  progress: Progress,
): Promise<Sandbox> {
  checkSpec(spec, LEAST_MEMORY_MIB);
  refuseAllowList(spec, "Docker containers");
  if (spec.gpu !== undefined) await checkGpu(client, spec.gpu);
  await ensureImage(client, spec.image ?? DEFAULT_IMAGE, call, progress);
  const expiresAt = new Date(Date.now() + spec.lifetimeMs);
  const flavour = { isGvisor: boundary === "gvisor", expiresAt, ...(runtime === undefined ? {} : { runtime }) };
  // Without the signal: an answer that is not waited for would leave a container behind.
  const container = await client.docker.createContainer(toContainerOptions(spec, flavour));
  try {
    call.signal.throwIfAborted();
    await prepareContainer(container, call.signal);
    await start(container, call);
    call.signal.throwIfAborted();
    return createDockerSandbox(client, {
      id: container.id,
      expiresAt,
      memoryMiB: spec.memoryMiB,
      diskMiB: spec.diskMiB,
    });
  } catch (error) {
    await removeContainer(client, container.id, toCleanupCall(call)).catch((failure: unknown) => {
      call.logger.warn(`A container could not be removed: ${container.id}: ${String(failure)}`);
    });
    throw error;
  }
}

async function checkGpu(client: DockerClient, gpu: string): Promise<void> {
  const tiers = await readGpuTiers(client);
  if (tiers.some(({ id }) => id === gpu)) return;
  const reason =
    tiers.length > 0
      ? `Docker knows no GPU "${gpu}"; use "${GPU_TIER.id}" for all that its host has.`
      : `Docker at ${client.place} has no "nvidia" runtime. Install the NVIDIA Container Toolkit there, or choose a provider with GPUs.`;
  throw new SandboxError("unsupported", reason);
}

async function start(container: Docker.Container, call: Call): Promise<void> {
  const watch = await watchStart(container, call.signal);
  try {
    await container.start({ abortSignal: call.signal });
    await checkStarted(container, await abortable(watch.isReady, call.signal), call);
  } finally {
    watch.dispose();
  }
}

/** Fails closed when what was started does not run, or runs without the limits that protect its host. */
async function checkStarted(container: Docker.Container, isReady: boolean, { signal }: Call): Promise<void> {
  const found = await container.inspect({ abortSignal: signal }).catch((error: unknown) => {
    if (readStatus(error) === 404) return undefined;
    throw error;
  });
  if (!isReady || !found?.State.Running)
    throw new SandboxError(
      "unsupported",
      "The container ended at once: the image's /bin/sh does not run on this Docker host. Choose another image.",
    );
  const dropped = listDroppedLimits(found.HostConfig);
  if (dropped.length > 0)
    throw new SandboxError(
      "unsupported",
      `This Docker can't limit ${dropped.join(" and ")}. With rootless Docker or Podman, use cgroup v2 and delegate its ` +
        "controllers to your user (https://rootlesscontaine.rs/getting-started/common/cgroup2/).",
    );
}

async function reconnect(client: DockerClient, id: string, { signal }: Call): Promise<Sandbox> {
  const gone = new SandboxError("not-found", "The sandbox is gone. Start a new session.");
  if (!/^[\w.-]+$/.test(id)) throw gone;
  const found = await client.docker.getContainer(id).inspect({ abortSignal: signal });
  const ours = readLabels(found.Config.Labels);
  if (!ours || !found.State.Running) throw gone;
  const diskKiB = Number(found.Config.Cmd.at(-1));
  const memoryMiB = (found.HostConfig.Memory ?? 0) / MIB;
  return createDockerSandbox(client, { id: found.Id, expiresAt: ours.expiresAt, memoryMiB, diskMiB: diskKiB / 1024 });
}

async function list({ docker }: DockerClient, { signal }: Call): Promise<SandboxSummary[]> {
  const containers = await docker.listContainers({ all: true, filters: SANDBOX_FILTER, abortSignal: signal });
  return containers.flatMap((container) => {
    const ours = readLabels(container.Labels);
    if (!ours) return [];
    const createdAt = new Date(container.Created * 1000);
    return [{ id: container.Id, createdAt, running: container.State === "running", ...ours }];
  });
}
