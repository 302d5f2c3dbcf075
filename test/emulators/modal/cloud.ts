import path from "node:path";
import { ServerError, Status } from "nice-grpc";
import { newId } from "./ids.ts";
import type { ImageStore } from "./images.ts";
import type { SandboxCreate, SandboxDefinition, SandboxList, Tag } from "./messages.ts";
import type { Spawner } from "../shared/spawner.ts";
import { BASE_ENV, EmulatedSandbox, TERMINATED } from "./sandbox.ts";

/** What all sandboxes share. */
interface CloudHost {
  readonly images: ImageStore;
  readonly spawner: Spawner;
}

/** What limits the account. */
interface CloudLimits {
  /** How many sandboxes may live at once. */
  readonly maxSandboxes: number;
  /** How many GPUs of a type there are, by its name in capitals; a type that is not named is not limited. */
  readonly gpus: Map<string, number>;
}

const PAGE_SIZE = 100;
/** https://modal.com/docs/guide/gpu */
const GPU_TYPES = new Set(
  "T4 L4 A10 A10G L40S A100 A100-40GB A100-80GB RTX-PRO-6000 H100 H100! H200 B200 B200+".split(" "),
);
/** The SDK tells the back ends apart by this length. */
const ID_LENGTH = { v1: 22, v2: 26 } as const;

/** All sandboxes of the account, from their creation on, ended ones included. */
export class Cloud {
  readonly images: ImageStore;
  readonly limits: CloudLimits;
  readonly #spawner: Spawner;
  readonly #folder: string;
  readonly #sandboxes = new Map<string, EmulatedSandbox>();
  readonly #byTask = new Map<string, EmulatedSandbox>();
  readonly #byRequest = new Map<string, EmulatedSandbox>();
  readonly #alive = new Set<EmulatedSandbox>();
  #lastCreatedAt = 0;

  /** Sandboxes get a folder each below `folder`. */
  constructor(folder: string, { images, spawner }: CloudHost, limits: CloudLimits) {
    this.#folder = folder;
    this.images = images;
    this.#spawner = spawner;
    this.limits = limits;
  }

  /** Oldest first. */
  get sandboxes(): readonly EmulatedSandbox[] {
    return [...this.#sandboxes.values()];
  }

  /**
   * A request that comes again, with the same idempotency key, gets the sandbox that it made.
   *
   * @throws NOT_FOUND without the image, INVALID_ARGUMENT, ALREADY_EXISTS for the name, RESOURCE_EXHAUSTED
   */
  create(create: SandboxCreate, backEnd: "v1" | "v2", requestId: string | undefined): EmulatedSandbox {
    const earlier = requestId && this.#byRequest.get(requestId);
    if (earlier) return earlier;
    const { definition } = create;
    if (!definition) throw new ServerError(Status.INVALID_ARGUMENT, "A sandbox needs a definition.");
    this.#check(create.appId, definition);
    const id = newId("sb", ID_LENGTH[backEnd]);
    const sandbox = new EmulatedSandbox({
      id,
      taskId: newId("ta", ID_LENGTH[backEnd]),
      backEnd,
      create: { ...create, definition },
      surroundings: this.images.get(definition.imageId),
      files: this.images.filesOf(definition.imageId),
      env: { ...this.#toEnv(create, definition), MODAL_SANDBOX_ID: id },
      images: this.images,
      spawner: this.#spawner,
      folder: path.join(this.#folder, id),
      createdAt: this.#now(),
    });
    this.#keep(sandbox, requestId);
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
    const all = this.sandboxes.filter((sandbox) => sandbox.parts.create.appId === appId && sandbox.name === name);
    const found = all.find((sandbox) => !sandbox.result) ?? (includeTerminated ? all.at(-1) : undefined);
    if (!found) throw new ServerError(Status.NOT_FOUND, `Sandbox '${name}' not found`);
    return found;
  }

  /** One page, newest first. */
  list({ appId, beforeTimestamp, includeFinished, tags }: SandboxList): EmulatedSandbox[] {
    return this.sandboxes
      .filter((sandbox) => includeFinished || !sandbox.result)
      .filter(({ parts }) => !appId || parts.create.appId === appId)
      .filter(({ parts }) => !beforeTimestamp || parts.createdAt < beforeTimestamp)
      .filter((sandbox) => tags.every((tag) => hasTag(sandbox, tag)))
      .toReversed()
      .slice(0, PAGE_SIZE);
  }

  /** Gives waiting sandboxes the GPUs that are free now, in the order of their creation. */
  schedule(): void {
    for (const sandbox of this.#alive) {
      if (sandbox.scheduledAt === undefined && this.#hasRoomFor(sandbox)) sandbox.schedule();
    }
  }

  /** Ends all that still run. */
  async close(): Promise<void> {
    await Promise.all(this.sandboxes.map((sandbox) => sandbox.end(TERMINATED)));
  }

  #toEnv({ secretSources = [] }: SandboxCreate, { imageId, secretIds }: SandboxDefinition): Record<string, string> {
    return {
      ...BASE_ENV,
      ...this.images.get(imageId).env,
      ...this.images.toEnv(secretIds.map((secretId) => ({ secretId }))),
      ...this.images.toEnv(secretSources),
    };
  }

  #keep(sandbox: EmulatedSandbox, requestId: string | undefined): void {
    this.#sandboxes.set(sandbox.id, sandbox);
    this.#byTask.set(sandbox.parts.taskId, sandbox);
    if (requestId) this.#byRequest.set(requestId, sandbox);
    this.#alive.add(sandbox);
    void this.#forget(sandbox);
  }

  async #forget(sandbox: EmulatedSandbox): Promise<void> {
    await sandbox.ended;
    this.#alive.delete(sandbox);
    this.schedule();
  }

  #check(appId: string, { imageId, name, resources }: SandboxDefinition): void {
    this.images.get(imageId);
    const gpu = resources?.gpuConfig?.gpuType;
    if (gpu && !GPU_TYPES.has(gpu)) throw new ServerError(Status.INVALID_ARGUMENT, `Unknown GPU type: ${gpu}`);
    const living = [...this.#alive].filter((sandbox) => !sandbox.result);
    if (living.length >= this.limits.maxSandboxes) {
      throw new ServerError(Status.RESOURCE_EXHAUSTED, "The workspace has reached its limit of sandboxes.");
    }
    if (name && living.some((other) => other.parts.create.appId === appId && other.name === name)) {
      throw new ServerError(Status.ALREADY_EXISTS, `Sandbox with name '${name}' already exists`);
    }
  }

  #hasRoomFor({ definition }: EmulatedSandbox): boolean {
    const wanted = definition.resources?.gpuConfig;
    const there = wanted && this.limits.gpus.get(wanted.gpuType);
    if (!wanted || there === undefined) return true;
    const used = [...this.#alive]
      .filter((sandbox) => sandbox.scheduledAt !== undefined)
      .map((sandbox) => sandbox.definition.resources?.gpuConfig)
      .reduce((sum, gpu) => sum + (gpu?.gpuType === wanted.gpuType ? gpu.count : 0), 0);
    return used + wanted.count <= there;
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
