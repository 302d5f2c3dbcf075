import type { Cloud } from "./cloud.ts";
import type { SandboxDefinition } from "./messages.ts";
import type { EmulatedSandbox } from "./sandbox.ts";

/** What the emulator knows of one sandbox. Plain data. */
export interface SandboxRecord {
  readonly id: string;
  readonly backEnd: "v1" | "v2";
  readonly name: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly cpus: number;
  readonly memoryMiB: number;
  /** "H100:2"; undefined without one. */
  readonly gpu: string | undefined;
  readonly network: "open" | "blocked" | "allow-list";
  readonly allowedCidrs: readonly string[];
  readonly allowedDomains: readonly string[];
  readonly regions: readonly string[];
  readonly timeoutSecs: number;
  readonly idleTimeoutSecs: number | undefined;
  readonly ports: readonly number[];
  /** The names of the variables that its creator sent. */
  readonly envNames: readonly string[];
  readonly imageId: string;
  readonly isAlive: boolean;
  /** Whether it has got a machine; until then nothing is billed. */
  readonly isScheduled: boolean;
  /** From the machine on, until the end or until now. */
  readonly billedSeconds: number;
  /** All that came in as commands' input, what the file API wrote included. */
  readonly stdinBytes: number;
  /** What was started, in order, the first 200 characters each. */
  readonly commands: readonly string[];
  /** The paths of images that are mounted. */
  readonly mounts: readonly string[];
}

/** What happened, for tests to look at. */
export class Books {
  readonly #cloud: Cloud;
  readonly #calls = new Map<string, number>();

  constructor(cloud: Cloud) {
    this.#cloud = cloud;
  }

  /** Oldest first, ended ones included. */
  get sandboxes(): readonly SandboxRecord[] {
    return this.#cloud.sandboxes.map(toRecord);
  }

  /** The ids of images that can be used now, by what they are: "built" by commands or from a registry, or "saved". */
  get images(): Readonly<Record<"built" | "saved", readonly string[]>> {
    return this.#cloud.images.ids();
  }

  /** How often each method was called, by its name in the protocol; attempts of the SDK count each. */
  get calls(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#calls);
  }

  /** The ids of sandboxes that are alive. */
  leaked(): string[] {
    return this.#cloud.sandboxes.filter((sandbox) => !sandbox.result).map((sandbox) => sandbox.id);
  }

  /** For the emulator itself: a call has come. */
  count(method: string): void {
    this.#calls.set(method, (this.#calls.get(method) ?? 0) + 1);
  }

  /** Everything, for another process. */
  toJSON(): object {
    const { sandboxes, images, calls } = this;
    return { sandboxes, images, calls, leaked: this.leaked() };
  }
}

const NETWORKS: Readonly<Record<number, SandboxRecord["network"]>> = { 2: "blocked", 3: "allow-list" };

function toRecord(sandbox: EmulatedSandbox): SandboxRecord {
  const { definition, parts } = sandbox;
  return {
    ...toResources(definition),
    ...toNetwork(sandbox),
    id: sandbox.id,
    backEnd: parts.backEnd,
    name: sandbox.name,
    tags: Object.fromEntries(sandbox.tags.map((tag) => [tag.tagName, tag.tagValue])),
    timeoutSecs: definition.timeoutSecs,
    idleTimeoutSecs: definition.idleTimeoutSecs,
    envNames: (parts.create.secretSources ?? []).flatMap((source) => Object.keys(source.env?.contents ?? {})),
    imageId: definition.imageId,
    isAlive: sandbox.result === undefined,
    isScheduled: sandbox.scheduledAt !== undefined,
    billedSeconds: sandbox.billedSeconds,
    stdinBytes: sandbox.stdinBytes,
    commands: sandbox.commands,
    mounts: sandbox.mounts.map(({ directory }) => directory),
  };
}

function toResources({ resources, schedulerPlacement }: SandboxDefinition) {
  const gpu = resources?.gpuConfig;
  return {
    cpus: (resources?.milliCpu ?? 0) / 1000,
    memoryMiB: resources?.memoryMb ?? 0,
    gpu: gpu?.gpuType ? `${gpu.gpuType}:${gpu.count}` : undefined,
    regions: schedulerPlacement?.regions ?? [],
  };
}

function toNetwork({ network, definition }: EmulatedSandbox) {
  return {
    network: NETWORKS[network?.networkAccessType ?? 0] ?? "open",
    allowedCidrs: network?.allowedCidrs ?? [],
    allowedDomains: network?.allowedDomains ?? [],
    ports: (definition.openPorts?.ports ?? []).map(({ port }) => port),
  };
}
