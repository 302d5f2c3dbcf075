// What E2B's control plane speaks, as far as it is emulated. Source: https://github.com/e2b-dev/infra, spec/openapi.yml.

/** What a sandbox may reach. */
export interface NetworkSettings {
  readonly allowOut?: readonly string[];
  readonly denyOut?: readonly string[];
  /** Whether ports are open to everybody, or only with a token; open when absent. */
  readonly allowPublicTraffic?: boolean;
  readonly maskRequestHost?: string;
}

/** POST /v2/sandboxes */
export interface NewSandbox {
  /** A template's or snapshot's id, alias or name. */
  readonly templateID: string;
  /** Seconds. */
  readonly timeout?: number;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly envVars?: Readonly<Record<string, string>>;
  readonly allow_internet_access?: boolean;
  readonly network?: NetworkSettings;
  /** Pauses at the end of its time rather than to end. */
  readonly autoPause?: boolean;
  /** False pauses with files alone. */
  readonly autoPauseMemory?: boolean;
  /** Whether traffic resumes it. */
  readonly autoResume?: { readonly enabled: boolean };
  /** Whether its daemon wants a token; the newer path always does. */
  readonly secure?: boolean;
}

/** PUT /sandboxes/{id}/network */
export interface NetworkUpdate extends NetworkSettings {
  readonly allow_internet_access?: boolean;
}

/** A time in seconds, for connecting, resuming and forking. */
export interface Timed {
  readonly timeout?: number;
  /** False boots from the files alone. */
  readonly memory?: boolean;
}

/** A template or snapshot, from which sandboxes start. */
export interface Template {
  readonly id: string;
  /** Other words for it: "base", "team/name". */
  readonly names: readonly string[];
  readonly cpuCount: number;
  readonly memoryMB: number;
  readonly diskSizeMB: number;
  /** Whether code is interpreted on port 49999. */
  readonly hasInterpreter: boolean;
  readonly kind: "template" | "snapshot";
  /** The sandbox that a snapshot was taken of. */
  readonly sandboxId?: string;
  /** The folder of the host with its files; a template that was not built has none, as `/usr` is the host's. */
  readonly files?: string;
  readonly createdAt: Date;
}
