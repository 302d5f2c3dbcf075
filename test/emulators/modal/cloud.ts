import path from "node:path";
import { ServerError, Status } from "nice-grpc";
import { newId } from "./ids.ts";
import type { ImageStore } from "./images.ts";
import type { SandboxCreate, SandboxDefinition, SandboxList, Tag } from "./messages.ts";
import { BASE_ENV, EmulatedSandbox, TERMINATED } from "./sandbox.ts";

/** How much of a GPU type there is, by its name in capitals; a type that is not named is not limited. */
export type GpuCapacity = Record<string, number>;

const PAGE_SIZE = 100;
const GPU_TYPES = new Set(
  "T4 L4 A10 A10G L40S A100 A100-40GB A100-80GB RTX-PRO-6000 H100 H100! H200 B200 B200+".split(" "),
);
const V1_ID_LENGTH = 22;
const V2_ID_LENGTH = 26;

/** All sandboxes of the account, from their creation on, ended ones included. */
export class Cloud {
  readonly images: ImageStore;
  readonly gpuCapacity: GpuCapacity;
  readonly #folder: string;
  readonly #sandboxes = new Map<string, EmulatedSandbox>();
  readonly #byTask = new Map<string, EmulatedSandbox>();
  readonly #byRequest = new Map<string, EmulatedSandbox>();
  #lastCreatedAt = 0;

  /** Sandboxes get a folder each below `folder`. */
  constructor(folder: string, images: ImageStore, gpuCapacity: GpuCapacity) {
    this.#folder = folder;
    this.images = images;
    this.gpuCapacity = gpuCapacity;
  }

  /** Oldest first. */
  get sandboxes(): readonly EmulatedSandbox[] {
    return [...this.#sandboxes.values()];
  }

  /** A request that comes again, with the same idempotency key, gets the sandbox that it made. */
  create(create: SandboxCreate, backEnd: "v1" | "v2", idempotencyKey: string | undefined): EmulatedSandbox {
    const earlier = idempotencyKey && this.#byRequest.get(idempotencyKey);
    if (earlier) return earlier;
    const { definition } = create;
    if (!definition) throw new ServerError(Status.INVALID_ARGUMENT, "A sandbox needs a definition.");
    this.#check(create.appId, definition);
    const id = newId("sb", backEnd === "v1" ? V1_ID_LENGTH : V2_ID_LENGTH);
    const sandbox = new EmulatedSandbox({
      id,
      taskId: newId("ta", backEnd === "v1" ? V1_ID_LENGTH : V2_ID_LENGTH),
      create: { ...create, definition },
      env: {
        ...BASE_ENV,
        ...this.images.get(definition.imageId).env,
        ...this.images.toEnv(definition.secretIds.map((secretId) => ({ secretId }))),
        ...this.images.toEnv(create.secretSources ?? []),
        MODAL_SANDBOX_ID: id,
      },
      images: this.images,
      folder: path.join(this.#folder, id),
      createdAt: this.#now(),
    });
    this.#sandboxes.set(id, sandbox);
    this.#byTask.set(sandbox.taskId, sandbox);
    if (idempotencyKey) this.#byRequest.set(idempotencyKey, sandbox);
    void sandbox.ended.then(() => this.schedule());
    this.schedule();
    return sandbox;
  }

  /** @throws NOT_FOUND */
  get(id: string): EmulatedSandbox {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) throw new ServerError(Status.NOT_FOUND, `Sandbox ${id} not found`);
    return sandbox;
  }

  /** A living one. @throws NOT_FOUND */
  ofTask(taskId: string): EmulatedSandbox {
    const sandbox = this.#byTask.get(taskId);
    if (!sandbox || sandbox.result) throw new ServerError(Status.NOT_FOUND, `Task ${taskId} not found`);
    return sandbox;
  }

  /** The living one of that name, or else, when asked for, the last that ended. @throws NOT_FOUND */
  named(appId: string, name: string, includeTerminated = false): EmulatedSandbox {
    const all = this.sandboxes.filter((sandbox) => sandbox.create.appId === appId && sandbox.name === name);
    const found = all.find((sandbox) => !sandbox.result) ?? (includeTerminated ? all.at(-1) : undefined);
    if (!found) throw new ServerError(Status.NOT_FOUND, `Sandbox '${name}' not found`);
    return found;
  }

  /** One page, newest first. */
  list({ appId, beforeTimestamp, includeFinished, tags }: SandboxList): EmulatedSandbox[] {
    return this.sandboxes
      .filter((sandbox) => includeFinished || !sandbox.result)
      .filter((sandbox) => !appId || sandbox.create.appId === appId)
      .filter((sandbox) => !beforeTimestamp || sandbox.createdAt < beforeTimestamp)
      .filter((sandbox) => tags.every((tag) => hasTag(sandbox, tag)))
      .toReversed()
      .slice(0, PAGE_SIZE);
  }

  /** Gives waiting sandboxes the GPUs that are free now, in the order of their creation. */
  schedule(): void {
    for (const sandbox of this.#sandboxes.values()) {
      if (!sandbox.isScheduled && !sandbox.result && this.#hasRoomFor(sandbox)) sandbox.schedule();
    }
  }

  /** Ends all that still run. */
  async close(): Promise<void> {
    await Promise.all(this.sandboxes.map((sandbox) => sandbox.end(TERMINATED)));
  }

  #check(appId: string, definition: SandboxDefinition): void {
    this.images.get(definition.imageId);
    const gpu = definition.resources?.gpuConfig?.gpuType;
    if (gpu && !GPU_TYPES.has(gpu)) throw new ServerError(Status.INVALID_ARGUMENT, `Unknown GPU type: ${gpu}`);
    const { name } = definition;
    if (name && this.sandboxes.some((other) => !other.result && other.create.appId === appId && other.name === name)) {
      throw new ServerError(Status.ALREADY_EXISTS, `Sandbox with name '${name}' already exists`);
    }
  }

  #hasRoomFor({ definition }: EmulatedSandbox): boolean {
    const wanted = definition.resources?.gpuConfig;
    const capacity = wanted && this.gpuCapacity[wanted.gpuType];
    if (!wanted || capacity === undefined) return true;
    const used = this.sandboxes
      .filter((sandbox) => sandbox.isScheduled && !sandbox.result)
      .map((sandbox) => sandbox.definition.resources?.gpuConfig)
      .reduce((sum, gpu) => sum + (gpu?.gpuType === wanted.gpuType ? gpu.count : 0), 0);
    return used + wanted.count <= capacity;
  }

  /** Later than every time before, so that pages have no ties. */
  #now(): number {
    this.#lastCreatedAt = Math.max(Date.now() / 1000, this.#lastCreatedAt + 1e-5);
    return this.#lastCreatedAt;
  }
}

function hasTag(sandbox: EmulatedSandbox, wanted: Tag): boolean {
  return sandbox.tags.some((tag) => tag.tagName === wanted.tagName && tag.tagValue === wanted.tagValue);
}
