import { randomUUID } from "node:crypto";
import path from "node:path";
import type { Spawner } from "../shared/spawner.ts";
import type { Account } from "./account.ts";
import { ApiError } from "./api-error.ts";
import type { ImageBuilder, Source } from "./image-builder.ts";
import type { CreateSandbox, Intervals, Resources, SandboxClass, SandboxState } from "./messages.ts";
import { EmulatedSandbox } from "./sandbox.ts";
import { BILLED } from "./sandbox-states.ts";
import { DEFAULT_SNAPSHOT, type Snapshots } from "./snapshots.ts";

/** What all sandboxes share. */
export interface CloudParts {
  readonly folder: string;
  readonly spawner: Spawner;
  readonly account: Account;
  readonly builder: ImageBuilder;
  readonly snapshots: Snapshots;
  readonly minuteMs: number;
  readonly isInline: boolean;
  readonly onState: (sandbox: EmulatedSandbox, before: SandboxState) => void;
}

/** What a start is to fail with. */
export interface PlannedFailures {
  readonly build?: string | undefined;
  readonly start?: string | undefined;
}

/** What a sandbox starts from, and what comes with it. */
interface Origin {
  readonly resources: Resources;
  readonly sandboxClass: SandboxClass;
  /** Undefined when it has to be built. */
  readonly source: Source | undefined;
  readonly snapshot: string | undefined;
}

/** https://www.daytona.io/docs/en/sandboxes/#gpu-resources */
const GPU_TYPES = ["H100", "H200", "RTX-PRO-6000", "RTX-4090", "RTX-5090", "MI355X"];
const DEFAULT_SIZES = { cpu: 1, memory: 1, disk: 3 };
const SOURCE = { source: "DAYTONA_API" } as const;

/** All sandboxes of the account, from their creation on, destroyed ones included. */
export class Cloud {
  readonly parts: CloudParts;
  readonly #sandboxes = new Map<string, EmulatedSandbox>();
  /** What was printed while an image was built, by the sandbox's id. */
  readonly buildLogs = new Map<string, string[]>();

  constructor(parts: CloudParts) {
    this.parts = parts;
  }

  /** Oldest first. */
  get sandboxes(): readonly EmulatedSandbox[] {
    return [...this.#sandboxes.values()];
  }

  /** Those that are not destroyed, oldest first. */
  get living(): readonly EmulatedSandbox[] {
    return this.sandboxes.filter(({ state }) => state !== "destroyed");
  }

  /** @throws 429, 400, 409 for the name */
  create(create: CreateSandbox, failures: PlannedFailures): EmulatedSandbox {
    const { account, spawner, minuteMs, isInline, onState } = this.parts;
    account.countCreation();
    const origin = this.#findOrigin(create);
    const { resources } = origin;
    if (resources.gpu > 0 && create.autoDeleteInterval !== 0) {
      throw new ApiError(400, "GPU sandboxes must be ephemeral - set autoDeleteInterval to 0", SOURCE);
    }
    account.checkRoom(resources, this.#running(), this.#kept());
    const id = randomUUID();
    const name = create.name ?? id;
    if (this.living.some((other) => other.parts.name === name)) {
      throw new ApiError(409, `Sandbox with name ${name} already exists`, SOURCE);
    }
    const { source, snapshot, sandboxClass } = origin;
    const intervals = toIntervals(create, sandboxClass);
    const folder = path.join(this.parts.folder, id);
    const made = { ...create, ...(snapshot === undefined ? {} : { snapshot }) };
    const sandbox = new EmulatedSandbox(
      { id, name, create: made, sandboxClass, intervals, spawner, folder, minuteMs, isInline, onState },
      source ? "creating" : "pending_build",
      resources,
    );
    this.#sandboxes.set(id, sandbox);
    sandbox.begin(() => (source ? Promise.resolve(source) : this.#build(id, create, failures.build)), failures.start);
    return sandbox;
  }

  /** One that is not destroyed. @throws 404 */
  get(idOrName: string): EmulatedSandbox {
    const found = this.living.find(({ id, parts }) => id === idOrName || parts.name === idOrName);
    if (!found) throw new ApiError(404, `Sandbox with ID or name ${idOrName} not found`, SOURCE);
    return found;
  }

  /** @throws 400 when there is no room for it now */
  checkRoomFor(sandbox: EmulatedSandbox): void {
    const others = this.living.filter((other) => other !== sandbox);
    const running = others.filter(({ state }) => BILLED.has(state)).map(({ resources }) => resources);
    this.parts.account.checkRoom(sandbox.resources, running, []);
  }

  /** Ends all that are there. */
  async close(): Promise<void> {
    await Promise.all(this.living.map((sandbox) => sandbox.destroy()));
  }

  #findOrigin(create: CreateSandbox): Origin {
    const content = create.buildInfo?.dockerfileContent;
    if (content === undefined) return this.#fromSnapshot(create);
    const { cpu, memory, disk, gpu = 0 } = { ...DEFAULT_SIZES, ...create };
    const gpuType = gpu > 0 ? this.#pickGpu(create, gpu) : undefined;
    const resources = { cpu, memory, disk, gpu, gpuType };
    return { resources, sandboxClass: "container", source: this.parts.builder.find(content), snapshot: undefined };
  }

  #fromSnapshot({ snapshot, cpu, memory, disk, gpu }: CreateSandbox): Origin {
    const used = this.parts.snapshots.use(snapshot ?? DEFAULT_SNAPSHOT);
    if (snapshot === undefined || (cpu ?? memory ?? disk ?? gpu) === undefined) return { ...used, snapshot: used.name };
    throw new ApiError(400, "Cannot specify Sandbox resources when using a snapshot", SOURCE);
  }

  #pickGpu({ gpuType }: CreateSandbox, count: number): string {
    const types = gpuType && gpuType.length > 0 ? gpuType : GPU_TYPES;
    const unknown = types.find((type) => !GPU_TYPES.includes(type));
    if (unknown !== undefined)
      throw new ApiError(400, `each value in gpuType must be one of ${GPU_TYPES.join(", ")}`, SOURCE);
    return this.parts.account.pickGpu(types, count, this.#running());
  }

  async #build(id: string, { buildInfo }: CreateSandbox, failure: string | undefined): Promise<Source> {
    const log: string[] = [];
    this.buildLogs.set(id, log);
    if (failure !== undefined) throw new Error(failure);
    return this.parts.builder.build(buildInfo?.dockerfileContent ?? "", (line) => log.push(line));
  }

  #running(): Resources[] {
    return this.living.filter(({ state }) => BILLED.has(state)).map(({ resources }) => resources);
  }

  #kept(): Resources[] {
    return this.living.filter(({ state }) => state !== "archived").map(({ resources }) => resources);
  }
}

/** Minutes; the defaults are the service's. */
function toIntervals(create: CreateSandbox, sandboxClass: SandboxClass): Intervals {
  const isContainer = sandboxClass === "container";
  return {
    autoStop: create.autoStopInterval ?? (isContainer ? 15 : 0),
    autoPause: isContainer ? 0 : (create.autoPauseInterval ?? 60),
    autoArchive: create.autoArchiveInterval ?? 7 * 24 * 60,
    autoDelete: create.autoDeleteInterval ?? -1,
    ttl: create.ttlMinutes ?? 0,
  };
}
