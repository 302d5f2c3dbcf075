import type { Cloud } from "./cloud.ts";
import type { Intervals, Resources, SandboxState } from "./messages.ts";
import type { EmulatedSandbox } from "./sandbox.ts";

/** What the emulator knows of one sandbox. Plain data. */
export interface SandboxRecord {
  readonly id: string;
  readonly name: string;
  readonly state: SandboxState;
  readonly labels: Readonly<Record<string, string>>;
  /** Sizes are in GiB. */
  readonly resources: Resources;
  readonly spot: boolean;
  /** In minutes. */
  readonly intervals: Intervals;
  readonly network: "open" | "blocked" | "allow-list";
  /** Separated by commas. */
  readonly networkAllowList: string | undefined;
  readonly domainAllowList: string | undefined;
  /** The names of the variables that its creator sent. */
  readonly envNames: readonly string[];
  /** What it was made of: a snapshot's name, or a Dockerfile. */
  readonly snapshot: string | undefined;
  readonly dockerfile: string | undefined;
  readonly target: string | undefined;
  /** Not destroyed: something of it is there and may cost. */
  readonly isAlive: boolean;
  /** How long it has had a machine, until now. */
  readonly billedSeconds: number;
  /** Bytes of files that came by the file API. */
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  /** How often a client has said that it is still there. */
  readonly refreshes: number;
  /** What was started, in order, the first 200 characters each. */
  readonly commands: readonly string[];
}

/** What happened, for tests to look at. */
export class Books {
  readonly #cloud: Cloud;
  readonly #calls = new Map<string, number>();

  constructor(cloud: Cloud) {
    this.#cloud = cloud;
  }

  /** Oldest first, destroyed ones included. */
  get sandboxes(): readonly SandboxRecord[] {
    return this.#cloud.sandboxes.map(toRecord);
  }

  /** The names of the account's own snapshots, oldest first. */
  get snapshots(): readonly string[] {
    return this.#cloud.parts.snapshots.all.filter(({ isGeneral }) => !isGeneral).map(({ name }) => name);
  }

  /** How often each route was called, by its name ("POST /api/sandbox"); attempts of the SDK count each. */
  get calls(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#calls);
  }

  /** The ids of sandboxes that are not destroyed. */
  leaked(): string[] {
    return this.#cloud.living.map(({ id }) => id);
  }

  /** For the emulator itself: a call has come. */
  count(name: string): void {
    this.#calls.set(name, (this.#calls.get(name) ?? 0) + 1);
  }

  /** Everything, for another process. */
  toJSON(): object {
    const { sandboxes, snapshots, calls } = this;
    return { sandboxes, snapshots, calls, leaked: this.leaked() };
  }
}

function toRecord(sandbox: EmulatedSandbox): SandboxRecord {
  const { parts, network, bytes } = sandbox;
  const { create } = parts;
  return {
    id: sandbox.id,
    name: parts.name,
    state: sandbox.state,
    labels: sandbox.labels,
    resources: sandbox.resources,
    spot: create.spot ?? false,
    intervals: sandbox.lifetimes.intervals,
    network: network.networkBlockAll ? "blocked" : sandbox.hasNetwork ? "open" : "allow-list",
    networkAllowList: network.networkAllowList,
    domainAllowList: network.domainAllowList,
    envNames: Object.keys(create.env ?? {}),
    snapshot: create.snapshot,
    dockerfile: create.buildInfo?.dockerfileContent,
    target: create.target,
    isAlive: sandbox.state !== "destroyed",
    billedSeconds: sandbox.billedSeconds,
    uploadedBytes: bytes.up,
    downloadedBytes: bytes.down,
    refreshes: sandbox.refreshes,
    commands: sandbox.commands,
  };
}
