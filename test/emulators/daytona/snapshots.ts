import { randomUUID } from "node:crypto";
import path from "node:path";
import type { Spawner } from "../shared/spawner.ts";
import { removeTree } from "../shared/trees.ts";
import { ApiError } from "./api-error.ts";
import type { Source } from "./image-builder.ts";
import type { Resources, SandboxClass } from "./messages.ts";

type SnapshotState = "pending" | "building" | "snapshotting" | "active" | "inactive" | "error" | "build_failed";

/** Something that sandboxes start from, by a name. */
export interface StoredSnapshot {
  readonly id: string;
  readonly name: string;
  /** Everybody's, and not to be deleted. */
  readonly isGeneral: boolean;
  readonly imageName: string | undefined;
  readonly resources: Resources;
  readonly sandboxClass: SandboxClass;
  readonly sourceSandboxId: string | undefined;
  readonly createdAt: Date;
  updatedAt: Date;
  lastUsedAt: Date | undefined;
  state: SnapshotState;
  errorReason: string | undefined;
  /** Undefined until it is active. */
  source: Source | undefined;
}

type NewSnapshot = Pick<StoredSnapshot, "name" | "resources" | "state"> &
  Partial<Pick<StoredSnapshot, "isGeneral" | "imageName" | "sandboxClass" | "sourceSandboxId" | "source">>;

/** What a sandbox starts from that names nothing. */
export const DEFAULT_SNAPSHOT = "daytona-small";
const HOME: Source = { surroundings: { env: {}, workdir: "/home/daytona", user: "daytona" }, files: undefined };
const SOURCE = { source: "DAYTONA_API" } as const;

/** Those of the service: https://www.daytona.io/docs/en/snapshots/#default-snapshots, and one of virtual machines. */
const GENERAL: readonly (readonly [
  name: string,
  cpu: number,
  memory: number,
  disk: number,
  sandboxClass: SandboxClass,
])[] = [
  [DEFAULT_SNAPSHOT, 1, 1, 3, "container"],
  ["daytona-medium", 2, 4, 8, "container"],
  ["daytona-large", 4, 8, 10, "container"],
  ["daytona-vm-small", 1, 1, 3, "linux-vm"],
];

/** The account's snapshots. */
export class Snapshots {
  readonly #folder: string;
  readonly #spawner: Spawner;
  readonly #snapshots = new Map<string, StoredSnapshot>();

  /** Files of snapshots are kept below `folder`. */
  constructor(folder: string, spawner: Spawner) {
    this.#folder = folder;
    this.#spawner = spawner;
    for (const [name, cpu, memory, disk, sandboxClass] of GENERAL) {
      const resources = { cpu, memory, disk, gpu: 0, gpuType: undefined };
      this.add({ name, resources, sandboxClass, state: "active", isGeneral: true, source: HOME });
    }
  }

  /** In the order of their creation. */
  get all(): readonly StoredSnapshot[] {
    return [...this.#snapshots.values()];
  }

  /** @throws 404 */
  get(idOrName: string): StoredSnapshot {
    const found = this.#snapshots.get(idOrName) ?? this.all.find(({ name }) => name === idOrName);
    if (!found) throw new ApiError(404, `Snapshot with ID or name ${idOrName} not found`, SOURCE);
    return found;
  }

  /** What a sandbox is to start from. @throws 400 for one that is not there or not active */
  use(idOrName: string): StoredSnapshot & { readonly source: Source } {
    const found = this.#snapshots.get(idOrName) ?? this.all.find(({ name }) => name === idOrName);
    if (!found) {
      const message = `Snapshot ${idOrName} not found. Did you add it through the Daytona Dashboard?`;
      throw new ApiError(400, message, SOURCE);
    }
    const { source } = found;
    if (found.state !== "active" || !source) {
      throw new ApiError(400, `Snapshot ${idOrName} is ${found.state}`, SOURCE);
    }
    found.lastUsedAt = new Date();
    return { ...found, source };
  }

  /** @throws 400 without a name, 409 for one that there is */
  add(snapshot: NewSnapshot): StoredSnapshot {
    const { name } = snapshot;
    if (name === "") throw new ApiError(400, "name should not be empty", SOURCE);
    if (this.all.some((other) => other.name === name)) {
      throw new ApiError(409, `Snapshot with name "${name}" already exists for this organization`, SOURCE);
    }
    const stored: StoredSnapshot = {
      isGeneral: false,
      imageName: undefined,
      sandboxClass: "container",
      sourceSandboxId: undefined,
      source: undefined,
      lastUsedAt: undefined,
      errorReason: undefined,
      ...snapshot,
      id: randomUUID(),
      createdAt: new Date(),
      updatedAt: new Date(),
    };
    this.#snapshots.set(stored.id, stored);
    return stored;
  }

  /** Where files of it are to be put. */
  folderOf({ id }: StoredSnapshot): string {
    return path.join(this.#folder, id);
  }

  /** It can be used from now on. */
  activate(snapshot: StoredSnapshot, source = snapshot.source): void {
    Object.assign(snapshot, { source, state: "active", updatedAt: new Date() });
  }

  fail(snapshot: StoredSnapshot, state: "error" | "build_failed", error: unknown): void {
    const errorReason = error instanceof Error ? error.message : String(error);
    Object.assign(snapshot, { state, errorReason, updatedAt: new Date() });
  }

  /** Sandboxes that have been made of it stay. @throws 404, 403 for one of the service's */
  async delete(idOrName: string): Promise<void> {
    const snapshot = this.get(idOrName);
    if (snapshot.isGeneral) throw new ApiError(403, "Cannot delete a general snapshot", SOURCE);
    this.#snapshots.delete(snapshot.id);
    await removeTree(this.#spawner, this.folderOf(snapshot));
  }
}
