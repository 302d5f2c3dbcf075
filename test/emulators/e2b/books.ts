import type { Account } from "./account.ts";
import type { NetworkKind } from "./network.ts";
import type { EmulatedSandbox } from "./sandbox.ts";
import { toSnapshotId } from "./templates.ts";

/** What the emulator knows of one sandbox. Plain data. */
export interface SandboxRecord {
  readonly id: string;
  readonly templateId: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** The names of the variables that its creator sent. */
  readonly envNames: readonly string[];
  readonly state: EmulatedSandbox["state"];
  readonly autoPause: boolean;
  readonly network: NetworkKind;
  readonly allowOut: readonly string[];
  readonly denyOut: readonly string[];
  readonly isPublic: boolean;
  readonly startedAt: string;
  /** When it is to pause or to end. */
  readonly endAt: string;
  readonly pauses: number;
  /** While it ran; a pause costs nothing. */
  readonly billedSeconds: number;
  /** What went into it and came out of it over the wire, HTTP included. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** What was started, in order, the first 200 characters each. */
  readonly commands: readonly string[];
}

/** What happened, for tests to look at. */
export class Books {
  readonly #account: Account;
  readonly #calls = new Map<string, number>();

  constructor(account: Account) {
    this.#account = account;
  }

  /** Oldest first, ended ones included. */
  get sandboxes(): readonly SandboxRecord[] {
    return this.#account.sandboxes.map(toRecord);
  }

  /** What snapshots that there are can be created from again. */
  get snapshots(): readonly string[] {
    return this.#account.templates.list("snapshot").map(toSnapshotId);
  }

  /** How often each method was called, by the names that faults have, too; attempts of the SDK count each. */
  get calls(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#calls);
  }

  /** The ids of sandboxes that run. */
  leaked(): string[] {
    return this.#idsOf("running");
  }

  /** The ids of sandboxes that are paused. */
  paused(): string[] {
    return this.#idsOf("paused");
  }

  /** For the emulator itself: a call has come. */
  count(method: string): void {
    this.#calls.set(method, (this.#calls.get(method) ?? 0) + 1);
  }

  /** Everything, for another process. */
  toJSON(): object {
    const { sandboxes, snapshots, calls } = this;
    return { sandboxes, snapshots, calls, leaked: this.leaked(), paused: this.paused() };
  }

  #idsOf(state: EmulatedSandbox["state"]): string[] {
    return this.#account.sandboxes.filter((sandbox) => sandbox.state === state).map(({ id }) => id);
  }
}

function toRecord(sandbox: EmulatedSandbox): SandboxRecord {
  const { create, template } = sandbox.parts;
  return {
    id: sandbox.id,
    templateId: template.id,
    metadata: create.metadata ?? {},
    envNames: Object.keys(create.envVars ?? {}),
    state: sandbox.state,
    autoPause: create.autoPause ?? false,
    network: sandbox.networkKind,
    allowOut: sandbox.network.allowOut ?? [],
    denyOut: sandbox.network.denyOut ?? [],
    isPublic: sandbox.trafficToken === undefined,
    startedAt: sandbox.startedAt.toISOString(),
    endAt: sandbox.endAt.toISOString(),
    pauses: sandbox.pauses,
    billedSeconds: sandbox.billedSeconds,
    bytesIn: sandbox.bytes.in,
    bytesOut: sandbox.bytes.out,
    commands: sandbox.commands,
  };
}
