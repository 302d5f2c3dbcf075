/** `CreateSandbox` of the API, as far as it is looked at. Sizes are in GiB, intervals in minutes. */
export interface CreateSandbox {
  readonly name?: string;
  readonly snapshot?: string;
  readonly buildInfo?: { readonly dockerfileContent?: string };
  readonly user?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly public?: boolean;
  readonly target?: string;
  readonly cpu?: number;
  readonly memory?: number;
  readonly disk?: number;
  readonly gpu?: number;
  /** In the order of preference. */
  readonly gpuType?: readonly string[];
  readonly spot?: boolean;
  readonly autoStopInterval?: number;
  readonly autoPauseInterval?: number;
  readonly autoArchiveInterval?: number;
  readonly autoDeleteInterval?: number;
  readonly ttlMinutes?: number;
  readonly networkBlockAll?: boolean;
  readonly networkAllowList?: string;
  readonly domainAllowList?: string;
}

/** `CreateSnapshot` of the API, as far as it is looked at. */
export interface CreateSnapshot {
  readonly name?: string;
  readonly imageName?: string;
  readonly buildInfo?: { readonly dockerfileContent?: string };
  readonly cpu?: number;
  readonly memory?: number;
  readonly disk?: number;
  readonly gpu?: number;
  readonly gpuType?: readonly string[];
  readonly sandboxClass?: SandboxClass;
}

/** Only virtual machines can be paused. */
export type SandboxClass = "container" | "linux-vm";

/** https://www.daytona.io/docs/en/sandboxes/#sandbox-lifecycle */
export type SandboxState =
  | "pending_build"
  | "building_snapshot"
  | "creating"
  | "started"
  | "stopping"
  | "stopped"
  | "starting"
  | "pausing"
  | "paused"
  | "resuming"
  | "archiving"
  | "archived"
  | "restoring"
  | "resizing"
  | "snapshotting"
  | "destroying"
  | "destroyed"
  | "error"
  | "build_failed";

/** What a machine has. Sizes are in GiB. */
export interface Resources {
  readonly cpu: number;
  readonly memory: number;
  readonly disk: number;
  readonly gpu: number;
  /** Undefined without one. */
  readonly gpuType: string | undefined;
}

/** Minutes after which something happens by itself; what is off is 0, or -1 for the deletion. */
export interface Intervals {
  readonly autoStop: number;
  readonly autoPause: number;
  readonly autoArchive: number;
  readonly autoDelete: number;
  readonly ttl: number;
}

/** What a sandbox may reach; lists are separated by commas. */
export interface NetworkSettings {
  readonly networkBlockAll?: boolean | undefined;
  readonly networkAllowList?: string | undefined;
  readonly domainAllowList?: string | undefined;
}
