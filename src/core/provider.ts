import type { Call } from "./call.ts";
import type { Sandbox, SavedState } from "./sandbox.ts";

/** Every provider there is, in the order in which pickers list them. */
export const PROVIDER_IDS = ["local", "docker", "modal", "e2b", "daytona"] as const;
export type ProviderId = (typeof PROVIDER_IDS)[number];

/** What stands between code in the sandbox and what is outside, from weakest to strongest. */
export type Boundary = "host" | "seatbelt" | "namespaces" | "container" | "gvisor" | "microvm" | "hyper-v";

/**
 * What code in a sandbox can reach: nothing (not even the host's loopback), the hosts on a list, or everything the
 * provider lets out.
 */
export type NetworkPolicy = "none" | "allow-list" | "full";

/** A kind of GPU that a provider can attach. */
export interface GpuTier {
  /** What users type, for example "T4"; unique within the provider. */
  readonly id: string;
  readonly title: string;
  /** Of one GPU. */
  readonly vramGiB?: number;
  /** Most of them in one sandbox; 1 when left out. */
  readonly maxCount?: number;
}

/** Something that sandboxes can start from, as its provider lists it. */
export interface ImageOffer {
  /** To be given as {@link SandboxSpec.image}. */
  readonly id: string;
  readonly title: string;
  /** What a sandbox made from it has, where the image decides that. */
  readonly cpus?: number;
  readonly memoryMiB?: number;
  readonly diskMiB?: number;
}

/** What to create. Everything is explicit: defaults are the settings' business. */
export interface SandboxSpec {
  /** At most 63 characters of [a-z0-9-]; shown in the provider's own console. */
  readonly name: string;
  /** Carried by the sandbox, so that a sweep finds it without our disk. Keys and values match [A-Za-z0-9._-]{1,63}. */
  readonly labels: Readonly<Record<string, string>>;
  /** What the sandbox starts from; the provider's default when left out. */
  readonly image?: string;
  readonly network: NetworkPolicy;
  /** With the network policy `allow-list`: domains ("pypi.org", "*.pypi.org") and CIDR ranges ("10.0.0.0/8"). */
  readonly allowedHosts?: readonly string[];
  /** A {@link GpuTier} id, or one with a count: "H100:2". */
  readonly gpu?: string;
  /** Ports that {@link Sandbox.ports} will be asked to open, for providers that have to know at the start. */
  readonly ports?: readonly number[];
  readonly memoryMiB: number;
  readonly cpus: number;
  /** Most processes and threads alive at once. */
  readonly maxProcesses: number;
  /** Most the workspace may hold. */
  readonly diskMiB: number;
  /** The sandbox ends itself after this long, whatever happens to us. More than 0, at most 24 h. */
  readonly lifetimeMs: number;
  /** Environment of every command in it. */
  readonly env: Readonly<Record<string, string>>;
}

/** A sandbox as `list` sees it. */
export interface SandboxSummary {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: Date;
  readonly expiresAt?: Date;
  readonly running: boolean;
}

/** Reports what a long call is doing ("Pulling python:3.12-slim, 34 %"), for people. */
export type Progress = (message: string) => void;

/**
 * A back end that makes sandboxes. Construction does no I/O. Only {@link SandboxError} or the abort reason is thrown.
 */
export interface Provider {
  readonly id: ProviderId;
  readonly title: string;
  readonly boundary: Boundary;
  /** Resolves when a sandbox could be created now. @throws {SandboxError} with the exact remedy otherwise. */
  check(call: Call): Promise<void>;
  /** The GPUs it can attach; [] where it has none. */
  gpuTiers(call: Call): Promise<readonly GpuTier[]>;
  /** Creates and starts one. Nothing is left behind when this rejects. */
  create(spec: SandboxSpec, call: Call, progress?: Progress): Promise<Sandbox>;
  /** The sandbox with that id. @throws {SandboxError} `not-found` when it is gone. */
  connect(id: string, call: Call): Promise<Sandbox>;
  /** Those that carry our label, whoever of us made them. */
  list(call: Call): AsyncIterable<SandboxSummary>;
  /** Sandboxes that an account may have at once, as far as is known; unlimited when left out. */
  readonly maxConcurrentSandboxes?: number;
  /** Whose account and place saved states belong to ("modal/main"); equal where they can be used. */
  readonly savedStatePlace?: string;
  /** Deletes what a sandbox saved, see `DirectorySnapshots`, `Images` and `Sandbox.pause`. Idempotent. */
  deleteSaved?(id: string, call: Call): Promise<void>;
  /** The file system of a sandbox as it was when it ended, where the target asked for that. */
  findExitImage?(sandboxId: string, call: Call): Promise<SavedState | undefined>;
  /** Templates and images of the account, the provider's default first. Left out where any registry's image will do. */
  listImages?(call: Call): Promise<readonly ImageOffer[]>;
  /** A sandbox that paused by itself when its time was up, where the target asked for that. */
  findPaused?(sandboxId: string, call: Call): Promise<SavedState | undefined>;
  /** Goes on with a paused sandbox, see `Sandbox.pause`; the spec is the one that it was created with. */
  resume?(pausedId: string, spec: SandboxSpec, call: Call): Promise<Sandbox>;
}
