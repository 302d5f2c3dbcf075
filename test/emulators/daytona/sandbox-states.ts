import { ApiError } from "./api-error.ts";
import type { SandboxState } from "./messages.ts";

/** States that end by themselves; meanwhile nothing else may be asked for. */
const PASSING: ReadonlySet<SandboxState> = new Set([
  "pending_build",
  "building_snapshot",
  "creating",
  "stopping",
  "starting",
  "pausing",
  "resuming",
  "archiving",
  "restoring",
  "resizing",
  "snapshotting",
  "destroying",
]);

/** States in which there is a machine, which is paid for. */
export const BILLED: ReadonlySet<SandboxState> = new Set([
  "creating",
  "starting",
  "started",
  "stopping",
  "pausing",
  "paused",
  "resuming",
  "resizing",
  "snapshotting",
]);

/** @throws 409 while something else is under way, 400 in any other state than those */
export function checkState(state: SandboxState, allowed: readonly SandboxState[], refusal: string): void {
  if (PASSING.has(state)) throw new ApiError(409, "Sandbox state change in progress", { source: "DAYTONA_API" });
  if (allowed.includes(state)) return;
  const isBroken = state === "error" || state === "build_failed";
  throw new ApiError(400, isBroken ? "Sandbox is in an errored state" : refusal, { source: "DAYTONA_API" });
}

/** What a sandbox is to become, by the state that it is in. */
export function toDesired(state: SandboxState): string {
  if (state === "stopping" || state === "stopped") return "stopped";
  if (state === "archiving" || state === "archived") return "archived";
  if (state === "pausing" || state === "paused") return "paused";
  return state === "destroying" || state === "destroyed" ? "destroyed" : "started";
}
