import { type CallContext, ServerError, Status } from "nice-grpc";
import type { ServiceMethods } from "./account-service.ts";
import type { Cloud } from "./cloud.ts";
import type { Credentials } from "./credentials.ts";
import type { SandboxCreate, SandboxList, SandboxNamed, SandboxTimed, Tag, TaskNamed } from "./messages.ts";
import { type EmulatedSandbox, TERMINATED } from "./sandbox.ts";

/** What the control plane's sandbox methods work on. */
export interface SandboxServiceDeps {
  readonly cloud: Cloud;
  readonly credentials: Credentials;
  readonly apps: ReadonlyMap<string, string>;
  /** Where the command router is: "https://127.0.0.1:port", as the SDK insists on the scheme. */
  readonly routerUrl: () => string;
}

interface FromName {
  readonly sandboxName: string;
  readonly appName: string;
  readonly includeTerminated?: boolean;
}

const LONG_POLL_MS = 100;

/** Sandboxes from both of Modal's back ends: methods that end in V2, and those for GPUs. */
export function toSandboxMethods(deps: SandboxServiceDeps): ServiceMethods {
  return { ...toCreating(deps), ...toFinding(deps), ...toEnding(deps), ...toTagging(deps) };
}

function toCreating({ cloud, credentials, routerUrl }: SandboxServiceDeps): ServiceMethods {
  const toAccess = (sandbox: EmulatedSandbox) => ({
    url: routerUrl(),
    jwt: credentials.issueForTask(sandbox.taskId),
  });
  const toTask = async ({ sandboxId, timeout }: SandboxTimed) => {
    const sandbox = cloud.get(sandboxId);
    if (!sandbox.isScheduled && timeout) await soon(sandbox.ended, timeout * 1000);
    if (sandbox.result) return { taskResult: { ...sandbox.result, exception: `Sandbox ${sandboxId} has finished` } };
    return { taskId: sandbox.isScheduled ? sandbox.taskId : undefined };
  };
  return {
    sandboxCreate: (request: SandboxCreate, { metadata }: CallContext) => ({
      sandboxId: cloud.create(request, "v1", metadata.get("x-idempotency-key")).id,
    }),
    sandboxCreateV2(request: SandboxCreate, { metadata }: CallContext) {
      const sandbox = cloud.create(request, "v2", metadata.get("x-idempotency-key"));
      return { sandboxId: sandbox.id, taskId: sandbox.taskId, tunnels: [], commandRouterAccess: toAccess(sandbox) };
    },
    sandboxGetTaskId: toTask,
    sandboxGetTaskIdV2: toTask,
    taskGetCommandRouterAccess: ({ taskId }: TaskNamed) => toAccess(cloud.ofTask(taskId)),
    sandboxGetCommandRouterAccess: ({ sandboxId }: SandboxNamed) => toAccess(cloud.get(sandboxId)),
  };
}

function toFinding({ cloud, apps }: SandboxServiceDeps): ServiceMethods {
  const list = (request: SandboxList) => ({
    sandboxes: cloud.list(request).map((sandbox) => ({
      id: sandbox.id,
      createdAt: sandbox.createdAt,
      appId: sandbox.create.appId,
      tags: sandbox.tags,
      name: sandbox.name ?? "",
    })),
  });
  const fromName = ({ appName, sandboxName, includeTerminated }: FromName) => ({
    sandboxId: cloud.named(apps.get(appName) ?? "", sandboxName, includeTerminated).id,
  });
  return { sandboxList: list, sandboxListV2: list, sandboxGetFromName: fromName, sandboxGetFromNameV2: fromName };
}

function toEnding({ cloud }: SandboxServiceDeps): ServiceMethods {
  const wait = async ({ sandboxId, timeout = 0 }: SandboxTimed) => {
    const sandbox = cloud.get(sandboxId);
    await soon(sandbox.ended, timeout * 1000);
    return { result: sandbox.result, metadata: { appId: sandbox.create.appId } };
  };
  const terminate = async ({ sandboxId }: SandboxNamed) => {
    const sandbox = cloud.get(sandboxId);
    const existingResult = sandbox.result;
    await sandbox.end(TERMINATED);
    return { existingResult };
  };
  const exitSnapshot = async ({ sandboxId, timeout = 0 }: SandboxTimed) => {
    const sandbox = cloud.get(sandboxId);
    if (sandbox.definition.experimentalOptionsV2["enable_exit_snapshot"] !== "true") {
      throw new ServerError(Status.INVALID_ARGUMENT, "Exit snapshots are not enabled for this Sandbox.");
    }
    await soon(sandbox.ended, Math.max(timeout * 1000, LONG_POLL_MS));
    return sandbox.exitImageId ? { success: { imageId: sandbox.exitImageId } } : { pending: {} };
  };
  return {
    sandboxWait: wait,
    sandboxWaitV2: wait,
    sandboxTerminate: terminate,
    sandboxTerminateV2: terminate,
    sandboxGetExitSnapshot: exitSnapshot,
    sandboxGetExitSnapshotV2: exitSnapshot,
  };
}

function toTagging({ cloud }: SandboxServiceDeps): ServiceMethods {
  const get = ({ sandboxId }: SandboxNamed) => ({ tags: cloud.get(sandboxId).tags });
  const set = ({ sandboxId, tags }: SandboxNamed & { readonly tags: readonly Tag[] }) => {
    cloud.get(sandboxId).tags = tags;
    return {};
  };
  return {
    sandboxTagsGet: get,
    sandboxTagsGetV2: get,
    sandboxTagsSet: set,
    sandboxTagsSetV2: set,
    sandboxSetName({ sandboxId, name }: SandboxNamed & { readonly name: string }) {
      const sandbox = cloud.get(sandboxId);
      if (sandbox.name || sandbox.result) throw new ServerError(Status.FAILED_PRECONDITION, "It has a name or ended.");
      sandbox.name = name;
      return {};
    },
  };
}

/** Waits for `event`, `ms` at most. */
async function soon(event: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([event, timeout]);
  clearTimeout(timer);
}
