import { basename } from "node:path";
import type { Boundary } from "../core/provider.ts";
import type { Clock } from "./clock.ts";
import type { SessionRecord, Target } from "./records.ts";
import type { Call } from "../core/call.ts";
import type { LiveSession } from "./live-session.ts";
import { createId, toTargetKey } from "./sandbox-spec.ts";

// A sandbox with less time left than this is not worth starting something in.
const MIN_REMAINING_MS = 60_000;

/** Who needs a sandbox. */
export interface SessionRequest {
  readonly workspaceRoot: string;
  readonly target: Target;
  /** How long the sandbox has to last from now; 0 when that is not known. */
  readonly neededMs: number;
}

/** A session to start. */
export interface NewSessionRequest extends Pick<SessionRequest, "workspaceRoot" | "target"> {
  /** Said of it from the start. */
  readonly facts?: Pick<SessionRecord, "restoredFrom" | "envNames" | "isDetached" | "batchId" | "isWarm">;
  /** See {@link SessionRequest}. */
  readonly neededMs?: number;
  /** Puts something into the sandbox before anybody can use it. */
  readonly fill?: (session: LiveSession, call: Call) => Promise<void>;
}

/** The sessions on record that a run may find, the likeliest first: something may have been restored into an older one. */
export function selectWarm(
  records: readonly SessionRecord[],
  request: Pick<SessionRequest, "workspaceRoot" | "target">,
): readonly SessionRecord[] {
  return selectFitting(records, request, "ready");
}

/** The paused session that a run may go on with: the one that was used last. */
export function findPaused(
  records: readonly SessionRecord[],
  request: Pick<SessionRequest, "workspaceRoot" | "target">,
): SessionRecord | undefined {
  return selectFitting(records, request, "paused")[0];
}

function selectFitting(
  records: readonly SessionRecord[],
  { workspaceRoot, target }: Pick<SessionRequest, "workspaceRoot" | "target">,
  state: SessionRecord["state"],
): readonly SessionRecord[] {
  const key = toTargetKey(target);
  return records
    .filter(
      (record) =>
        record.state === state &&
        record.isDetached !== true &&
        record.workspaceRoot === workspaceRoot &&
        toTargetKey(record.target) === key,
    )
    .sort((a, b) => (a.lastUsedAt < b.lastUsedAt ? 1 : -1));
}

/** The record of a session whose sandbox is yet to be made. */
export function toNewSession(
  { workspaceRoot, target }: Pick<SessionRequest, "workspaceRoot" | "target">,
  boundary: Boundary,
  clock: Clock,
): SessionRecord {
  const now = clock.now();
  return {
    version: 1,
    id: createId(clock),
    name: basename(workspaceRoot) || workspaceRoot,
    workspaceRoot,
    target,
    boundary,
    state: "creating",
    createdAt: new Date(now).toISOString(),
    expiresAt: new Date(now + target.lifetimeMs).toISOString(),
    lastUsedAt: new Date(now).toISOString(),
  };
}

/** Whether the session's sandbox will be there for as long as the request needs it. */
export function lastsFor(record: SessionRecord, request: SessionRequest, clock: Clock): boolean {
  const remainingMs = Date.parse(record.expiresAt) - clock.now();
  const { lifetimeMs } = request.target;
  const neededMs = Math.max(MIN_REMAINING_MS, request.neededMs);
  // A run that may take longer than any sandbox lasts would otherwise never find one.
  return remainingMs >= (neededMs < lifetimeMs ? neededMs : lifetimeMs / 2);
}
