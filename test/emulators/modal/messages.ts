// The parts of Modal's messages that the emulator reads, as ts-proto decodes them; every absent field has its default.

export interface Tag {
  readonly tagName: string;
  readonly tagValue: string;
}

/** Environment variables, by the id of a kept secret or in place. */
export interface SecretSource {
  readonly secretId?: string;
  readonly env?: { readonly contents: Readonly<Record<string, string>> };
}

export interface Port {
  readonly port: number;
  readonly unencrypted: boolean;
}

/** `modal.client.Sandbox`: what a sandbox is to be. */
export interface SandboxDefinition {
  readonly entrypointArgs: readonly string[];
  readonly imageId: string;
  readonly secretIds: readonly string[];
  readonly timeoutSecs: number;
  readonly idleTimeoutSecs?: number;
  readonly workdir?: string;
  readonly name?: string;
  readonly enableSnapshot: boolean;
  readonly experimentalOptionsV2: Readonly<Record<string, string>>;
  readonly openPorts?: { readonly ports: readonly Port[] };
  readonly networkAccess?: NetworkAccess;
  readonly schedulerPlacement?: { readonly regions: readonly string[] };
  readonly resources?: {
    readonly memoryMb: number;
    readonly milliCpu: number;
    readonly gpuConfig?: { readonly count: number; readonly gpuType: string };
  };
}

/** Type 1 is open, 2 blocked, 3 the allow lists'. */
export interface NetworkAccess {
  readonly networkAccessType: number;
  readonly allowedCidrs: readonly string[];
  readonly allowedDomains: readonly string[];
}

export interface SandboxCreate {
  readonly appId: string;
  readonly definition?: SandboxDefinition;
  readonly tags: readonly Tag[];
  readonly secretSources?: readonly SecretSource[];
}

export interface SandboxNamed {
  readonly sandboxId: string;
}

export interface SandboxTimed extends SandboxNamed {
  /** Seconds. */
  readonly timeout?: number;
}

export interface SandboxList {
  readonly appId: string;
  /** Seconds since 1970, not included; 0 for none. */
  readonly beforeTimestamp: number;
  readonly includeFinished: boolean;
  readonly tags: readonly Tag[];
}

export interface TaskNamed {
  readonly taskId: string;
}

export interface ExecNamed extends TaskNamed {
  readonly execId: string;
}

export interface ExecStart extends ExecNamed {
  readonly commandArgs: readonly string[];
  /** 0 throws the stream away, 1 keeps it. */
  readonly stdoutConfig: number;
  readonly stderrConfig: number;
  readonly timeoutSecs?: number;
  readonly workdir?: string;
  readonly ptyInfo?: { readonly winszRows: number; readonly winszCols: number; readonly envTerm: string };
  readonly secretSources: readonly SecretSource[];
}

export interface StdioRead extends ExecNamed {
  readonly offset: number;
  /** 0 is stdout, 1 stderr. */
  readonly fileDescriptor: number;
}

export interface StdinWrite extends ExecNamed {
  readonly offset: number;
  readonly data: Uint8Array;
  readonly eof: boolean;
}

export interface StdinPart {
  readonly start?: ExecNamed & { readonly offset: number };
  readonly data?: Uint8Array;
  readonly end?: object;
}
