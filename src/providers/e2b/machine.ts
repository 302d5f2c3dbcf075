import type { Sandbox as SdkSandbox } from "@e2b/code-interpreter";
import type { Call } from "../../core/call.ts";
import type { SandboxFacts } from "./metadata.ts";

/** A running sandbox as the parts of this provider share it. */
export interface Machine {
  readonly sandbox: SdkSandbox;
  readonly facts: SandboxFacts;
  /** When its time is up. */
  readonly expiresAt: Date;
  /** What its template gave it. */
  readonly cpus: number;
  readonly memoryMiB: number;
  /** At the end of its time it pauses instead of ending. */
  readonly pausesAtEnd: boolean;
  /** Aborted when we have destroyed or paused it. */
  readonly destroyed: AbortSignal;
}

/** Runs something on a sandbox; a failure because it is gone is told as that, whatever the SDK makes of it. */
export type Work = <T>(call: Call, work: () => Promise<T>) => Promise<T>;
