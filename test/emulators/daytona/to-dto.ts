import type { EmulatedSandbox } from "./sandbox.ts";
import { toDesired } from "./sandbox-states.ts";
import type { StoredSnapshot } from "./snapshots.ts";

export const ORGANIZATION_ID = "00000000-0000-4000-8000-000000000001";
const REGION = "us";
const DAEMON_VERSION = "v0.216.0";

/** `Sandbox` of the API; in lists it comes without its last fields, as `SandboxListItem`. */
export function toSandboxDto(sandbox: EmulatedSandbox, toolboxProxyUrl: string): object {
  const { create } = sandbox.parts;
  return {
    ...toListItem(sandbox, toolboxProxyUrl),
    env: create.env ?? {},
    volumes: [],
    buildInfo: create.buildInfo && toBuildInfo(sandbox),
    backupCreatedAt: undefined,
  };
}

/** `BuildInfo` of the API. */
function toBuildInfo({ id, createdAt, parts }: EmulatedSandbox): object {
  return { ...parts.create.buildInfo, createdAt, updatedAt: createdAt, snapshotRef: `daytona-${id}` };
}

export function toListItem(sandbox: EmulatedSandbox, toolboxProxyUrl: string): object {
  const { parts, network, resources, state, lifetimes } = sandbox;
  const { create } = parts;
  const { autoStop, autoPause, autoArchive, autoDelete } = lifetimes.intervals;
  return {
    id: sandbox.id,
    organizationId: ORGANIZATION_ID,
    name: parts.name,
    snapshot: create.snapshot,
    user: sandbox.source?.surroundings.user ?? create.user ?? "daytona",
    labels: sandbox.labels,
    public: sandbox.isPublic,
    networkBlockAll: network.networkBlockAll ?? false,
    networkAllowList: network.networkAllowList,
    domainAllowList: network.domainAllowList,
    target: create.target ?? REGION,
    ...resources,
    spot: create.spot ?? false,
    // Newer clients want it.
    kvm: false,
    state,
    desiredState: toDesired(state),
    errorReason: sandbox.errorReason,
    recoverable: false,
    backupState: "None",
    autoStopInterval: autoStop,
    autoPauseInterval: autoPause,
    autoArchiveInterval: autoArchive,
    autoDeleteInterval: autoDelete,
    autoDestroyAt: lifetimes.destroyAt,
    createdAt: sandbox.createdAt,
    updatedAt: sandbox.updatedAt,
    lastActivityAt: sandbox.lastActivityAt,
    sandboxClass: parts.sandboxClass,
    daemonVersion: DAEMON_VERSION,
    toolboxProxyUrl,
  };
}

/** `SnapshotDto` of the API. */
export function toSnapshotDto(snapshot: StoredSnapshot): object {
  const { resources } = snapshot;
  return {
    id: snapshot.id,
    organizationId: ORGANIZATION_ID,
    general: snapshot.isGeneral,
    name: snapshot.name,
    imageName: snapshot.imageName,
    state: snapshot.state,
    size: null,
    entrypoint: null,
    cpu: resources.cpu,
    gpu: resources.gpu,
    gpuType: resources.gpuType,
    mem: resources.memory,
    disk: resources.disk,
    errorReason: snapshot.errorReason ?? null,
    createdAt: snapshot.createdAt,
    updatedAt: snapshot.updatedAt,
    lastUsedAt: snapshot.lastUsedAt ?? null,
    regionIds: [REGION],
    sourceSandboxId: snapshot.sourceSandboxId ?? null,
    sandboxClass: snapshot.sandboxClass,
  };
}
