import type { Sandbox } from "@daytona/sdk";
import type { Call } from "../../core/call.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import type { Account } from "./account.ts";
import type { SandboxFacts } from "./labels.ts";
import type { Layout } from "./layout.ts";
import { isNotFound } from "./to-sandbox-error.ts";

/** A running sandbox as the parts of this provider share it. */
export interface Machine {
  readonly account: Account;
  readonly sandbox: Sandbox;
  readonly facts: SandboxFacts;
  readonly layout: Layout;
  /** Aborted when we have ended it. */
  readonly destroyed: AbortSignal;
}

/** Runs something on a sandbox; a failure because it is gone is told as that, whatever the SDK makes of it. */
export type Work = <T>(call: Call, work: () => Promise<T>) => Promise<T>;

/** The states of {@link https://www.daytona.io/docs/en/sandboxes} in which nothing runs in a sandbox any more. */
const GONE = new Set([
  "destroyed",
  "destroying",
  "error",
  "build_failed",
  "stopped",
  "stopping",
  "archived",
  "archiving",
]);

/** As Daytona knows it now; "destroyed" when it knows nothing of it. */
export async function readState(sandbox: Sandbox, signal: AbortSignal): Promise<string> {
  try {
    await abortable(sandbox.refreshData(), signal);
    return sandbox.state ?? "unknown";
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return "destroyed";
  }
}

/** Whether it certainly does not run any more. */
export async function isGone(sandbox: Sandbox, signal: AbortSignal): Promise<boolean> {
  try {
    return GONE.has(await readState(sandbox, signal));
  } catch {
    return false;
  }
}

/** What a sandbox that does not run is told as. */
export function newGoneError(): SandboxError {
  return new SandboxError("not-found", "The sandbox is gone. Start a new session.");
}
