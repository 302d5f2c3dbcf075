import { type CallContext, ServerError, Status } from "nice-grpc";
import type { ServiceMethods } from "./account-service.ts";
import type { Cloud } from "./cloud.ts";
import type { Credentials } from "./credentials.ts";
import type { Faults } from "./faults.ts";
import type { SandboxCreate, SandboxList, SandboxNamed, SandboxTimed, Tag, TaskNamed } from "./messages.ts";
import { type EmulatedSandbox, TERMINATED } from "./sandbox.ts";
import type { Tunnels } from "./tunnels.ts";

/** What the control plane's sandbox methods work on. */
export interface SandboxServiceDeps {
  readonly cloud: Cloud;
  readonly credentials: Credentials;
  readonly tunnels: Tunnels;
  readonly faults: Faults;
  /** Ids by name. */
  readonly apps: ReadonlyMap<string, string>;
  /** Where the command router is: "https://127.0.0.1:port", as the SDK insists on the scheme. */
  readonly routerUrl: () => string;
  /** After so long without a free GPU the answer is RESOURCE_EXHAUSTED; as long as the SDK asks when undefined. */
  readonly gpuWaitMs: number | undefined;
}

interface FromName {
  readonly sandboxName: string;
  readonly appName: string;
  readonly includeTerminated?: boolean;
}

interface ConnectToken extends SandboxNamed {
  readonly port?: number;
}

const DEFAULT_PORT = 8080;
/** ERROR_CODE_TIMEOUT */
const EXIT_SNAPSHOT_LOST = { errorCode: 1, message: "The exit snapshot took too long." };

/** Sandboxes of both of Modal's back ends: methods that end in V2, and those for GPUs. */
export function toSandboxMethods(deps: SandboxServiceDeps): ServiceMethods {
  return { ...toCreating(deps), ...toReaching(deps), ...toFinding(deps), ...toEnding(deps), ...toTagging(deps) };
}

function toCreating({ cloud, tunnels, ...deps }: SandboxServiceDeps): ServiceMethods {
  return {
    sandboxCreate: (request: SandboxCreate, { metadata }: CallContext) => ({
      sandboxId: cloud.create(request, "v1", metadata.get("x-idempotency-key")).id,
    }),
    async sandboxCreateV2(request: SandboxCreate, { metadata }: CallContext) {
      const sandbox = cloud.create(request, "v2", metadata.get("x-idempotency-key"));
      const commandRouterAccess = toAccess(sandbox, deps);
      const { id: sandboxId, parts } = sandbox;
      return { sandboxId, taskId: parts.taskId, tunnels: await tunnels.open(sandbox), commandRouterAccess };
    },
  };
}

function toReaching({ cloud, tunnels, gpuWaitMs = Infinity, ...deps }: SandboxServiceDeps): ServiceMethods {
  const getTaskId = ({ sandboxId }: SandboxTimed) => {
    const { result, scheduledAt, parts } = cloud.get(sandboxId);
    if (result) return { taskResult: { ...result, exception: `Sandbox ${sandboxId} has already finished` } };
    if (scheduledAt !== undefined) return { taskId: parts.taskId };
    if (Date.now() - parts.createdAt * 1000 < gpuWaitMs) return {};
    throw new ServerError(Status.RESOURCE_EXHAUSTED, "Insufficient capacity to create sandbox.");
  };
  const getTunnels = async ({ sandboxId }: SandboxNamed) => ({
    result: { status: 1 },
    tunnels: await tunnels.open(cloud.get(sandboxId)),
  });
  const createConnectToken = ({ sandboxId, port = DEFAULT_PORT }: ConnectToken) =>
    tunnels.issueToken(cloud.get(sandboxId), port);
  return {
    sandboxGetTaskId: getTaskId,
    sandboxGetTaskIdV2: getTaskId,
    taskGetCommandRouterAccess: ({ taskId }: TaskNamed) => toAccess(cloud.ofTask(taskId), deps),
    sandboxGetCommandRouterAccess: ({ sandboxId }: SandboxNamed) => toAccess(cloud.get(sandboxId), deps),
    sandboxGetTunnels: getTunnels,
    sandboxGetTunnelsV2: getTunnels,
    sandboxCreateConnectToken: createConnectToken,
    sandboxCreateConnectTokenV2: createConnectToken,
  };
}

function toFinding({ cloud, apps }: SandboxServiceDeps): ServiceMethods {
  const list = (request: SandboxList) => ({
    sandboxes: cloud.list(request).map(({ id, name = "", tags, parts }) => ({
      id,
      name,
      tags,
      createdAt: parts.createdAt,
      appId: parts.create.appId,
    })),
  });
  const fromName = ({ appName, sandboxName, includeTerminated }: FromName) => ({
    sandboxId: cloud.named(apps.get(appName) ?? "", sandboxName, includeTerminated).id,
  });
  return { sandboxList: list, sandboxListV2: list, sandboxGetFromName: fromName, sandboxGetFromNameV2: fromName };
}

function toEnding({ cloud, faults }: SandboxServiceDeps): ServiceMethods {
  const wait = async ({ sandboxId, timeout = 0 }: SandboxTimed) => {
    const sandbox = cloud.get(sandboxId);
    const isOver = await happensWithin(sandbox.ended, timeout * 1000);
    return { result: isOver ? sandbox.result : undefined, metadata: { appId: sandbox.parts.create.appId } };
  };
  const terminate = async ({ sandboxId }: SandboxNamed) => {
    const sandbox = cloud.get(sandboxId);
    const existingResult = sandbox.result;
    await sandbox.end(TERMINATED);
    return { existingResult };
  };
  const getExitSnapshot = async ({ sandboxId, timeout = 0 }: SandboxTimed) => {
    const sandbox = cloud.get(sandboxId);
    if (sandbox.definition.experimentalOptionsV2["enable_exit_snapshot"] !== "true") {
      throw new ServerError(Status.INVALID_ARGUMENT, "Exit snapshots are not enabled for this Sandbox.");
    }
    if (faults.take("lose-exit-snapshot", "SandboxGetExitSnapshotV2")) return { error: EXIT_SNAPSHOT_LOST };
    const isOver = await happensWithin(sandbox.ended, timeout * 1000);
    if (!isOver) return { pending: {} };
    return sandbox.exitImageId ? { success: { imageId: sandbox.exitImageId } } : { error: EXIT_SNAPSHOT_LOST };
  };
  return {
    sandboxWait: wait,
    sandboxWaitV2: wait,
    sandboxTerminate: terminate,
    sandboxTerminateV2: terminate,
    sandboxGetExitSnapshot: getExitSnapshot,
    sandboxGetExitSnapshotV2: getExitSnapshot,
  };
}

function toTagging({ cloud }: SandboxServiceDeps): ServiceMethods {
  const getTags = ({ sandboxId }: SandboxNamed) => ({ tags: cloud.get(sandboxId).tags });
  const setTags = ({ sandboxId, tags }: SandboxNamed & { readonly tags: readonly Tag[] }) => {
    cloud.get(sandboxId).tags = tags;
    return {};
  };
  return {
    sandboxTagsGet: getTags,
    sandboxTagsGetV2: getTags,
    sandboxTagsSet: setTags,
    sandboxTagsSetV2: setTags,
    sandboxSetName({ sandboxId, name }: SandboxNamed & { readonly name: string }) {
      const sandbox = cloud.get(sandboxId);
      if (sandbox.name || sandbox.result) throw new ServerError(Status.FAILED_PRECONDITION, "It has a name or ended.");
      sandbox.name = name;
      return {};
    },
  };
}

function toAccess(
  { parts }: EmulatedSandbox,
  { credentials, routerUrl }: Pick<SandboxServiceDeps, "credentials" | "routerUrl">,
): { url: string; jwt: string } {
  return { url: routerUrl(), jwt: credentials.issueForTask(parts.taskId) };
}

/** Waits for `event`, `ms` at most; whether it came. */
async function happensWithin(event: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const isThere = await Promise.race([event.then(() => true), timeout]);
  clearTimeout(timer);
  return isThere;
}
