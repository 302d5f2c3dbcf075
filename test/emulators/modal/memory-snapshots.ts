import { ServerError, Status } from "nice-grpc";
import type { ServiceMethods } from "./account-service.ts";
import type { Cloud } from "./cloud.ts";
import type { Credentials } from "./credentials.ts";
import { newId } from "./ids.ts";
import type { SandboxNamed } from "./messages.ts";
import { type EmulatedSandbox, TERMINATED } from "./sandbox.ts";

interface Restore {
  readonly snapshotId: string;
  /** 1 is no name, 2 the one that is given, else the original's. */
  readonly sandboxNameOverrideType: number;
  readonly sandboxNameOverride: string;
}

interface SnapshotNamed {
  readonly snapshotId: string;
}

type MemorySnapshot = Pick<EmulatedSandbox["parts"], "create" | "backEnd"> & { readonly imageId: string };

const NO_NAME = 1;
const OTHER_NAME = 2;

/**
 * Snapshots of whole sandboxes. Files alone are kept, processes are not; the sandbox ends, as it does on Modal.
 */
export class MemorySnapshots {
  readonly #cloud: Cloud;
  readonly #snapshots = new Map<string, MemorySnapshot>();

  constructor(cloud: Cloud) {
    this.#cloud = cloud;
  }

  /** Returns the snapshot's id. @throws FAILED_PRECONDITION for a sandbox that was not made for it */
  async take(sandbox: EmulatedSandbox): Promise<string> {
    const { definition, parts } = sandbox;
    if (!definition.enableSnapshot) {
      throw new ServerError(Status.FAILED_PRECONDITION, "Snapshots are not enabled for this Sandbox.");
    }
    if (definition.resources?.gpuConfig?.gpuType) {
      throw new ServerError(Status.FAILED_PRECONDITION, "A Sandbox with a GPU has no memory snapshots.");
    }
    const imageId = await sandbox.saveFilesystem(undefined);
    await sandbox.end(TERMINATED);
    const id = newId("sn", 22);
    this.#snapshots.set(id, { create: parts.create, backEnd: parts.backEnd, imageId });
    return id;
  }

  /** @throws NOT_FOUND */
  get(id: string): MemorySnapshot {
    const found = this.#snapshots.get(id);
    if (!found) throw new ServerError(Status.NOT_FOUND, `Snapshot ${id} not found`);
    return found;
  }

  restore({ snapshotId, sandboxNameOverrideType: type, sandboxNameOverride }: Restore): EmulatedSandbox {
    const { create, backEnd, imageId } = this.get(snapshotId);
    const { name: original, ...unnamed } = create.definition;
    const name = type === OTHER_NAME ? sandboxNameOverride : type === NO_NAME ? undefined : original;
    const definition = { ...unnamed, imageId, ...(name === undefined ? {} : { name }) };
    return this.#cloud.create({ ...create, definition }, backEnd, undefined);
  }
}

/** The control plane's part of them. */
export function toMemoryMethods(
  cloud: Cloud,
  snapshots: MemorySnapshots,
  access: { readonly credentials: Credentials; readonly routerUrl: () => string },
): ServiceMethods {
  return {
    sandboxSnapshot: async ({ sandboxId }: SandboxNamed) => ({
      snapshotId: await snapshots.take(cloud.get(sandboxId)),
    }),
    sandboxSnapshotWait: ({ snapshotId }: SnapshotNamed) => ({ result: snapshots.get(snapshotId) && { status: 1 } }),
    sandboxSnapshotGet: ({ snapshotId }: SnapshotNamed) => ({
      snapshotId,
      handleMetadata: { isV2: snapshots.get(snapshotId).backEnd === "v2" },
    }),
    sandboxRestore: (request: Restore) => ({ sandboxId: snapshots.restore(request).id }),
    sandboxRestoreV2(request: Restore) {
      const { id: sandboxId, parts } = snapshots.restore(request);
      const { taskId } = parts;
      const commandRouterAccess = { url: access.routerUrl(), jwt: access.credentials.issueForTask(taskId) };
      return { sandboxId, taskId, tunnels: [], commandRouterAccess };
    },
  };
}
