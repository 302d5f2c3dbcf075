import type { Call } from "../core/call.ts";
import type { Provider, SandboxSummary } from "../core/provider.ts";
import { toMessage } from "../core/sandbox-error.ts";
import { pausesItself } from "./auto-pause.ts";
import type { Clock } from "./clock.ts";
import { deletePaused, isGone } from "./end-sandbox.ts";
import type { Ledger } from "./ledger.ts";
import type { SessionRecord, Target } from "./records.ts";
import { toPlace } from "./provider-cache.ts";
import { INSTALL_LABEL, SESSION_LABEL } from "./sandbox-spec.ts";
import type { SessionPool } from "./session-pool.ts";

const TIME_UP = "Its time was up.";

/** What sweeping needs. */
export interface ReaperDeps {
  readonly pool: SessionPool;
  readonly ledger: Ledger;
  readonly loadProvider: (target: Target) => Promise<Provider>;
  readonly installId: string;
  readonly clock: Clock;
}

/**
 * Settles what an engine that died left on record: creations nobody waits for, destructions that were cut short, sandboxes
 * of batches and idle ones become `destroying`, sessions whose time is up end. To be called before any session is started.
 */
export async function settleSessions(deps: ReaperDeps): Promise<void> {
  for (const record of deps.pool.list()) {
    const state = toSettled(record, deps.clock.now());
    if (state === "ended") await deps.pool.end(record.id, TIME_UP);
    else if (state !== record.state) await deps.pool.save({ ...record, state, ...toReason(record, state) });
  }
}

// What a provider keeps stays until somebody deletes it.
function toReason(record: SessionRecord, state: SessionRecord["state"]): Pick<SessionRecord, "endReason"> {
  return record.state === "paused" && state === "destroying" ? { endReason: TIME_UP } : {};
}

function toSettled(record: SessionRecord, now: number): SessionRecord["state"] {
  const { state, pausedId, batchId, isWarm, expiresAt } = record;
  if (state === "creating") return pausedId === undefined ? "destroying" : "paused";
  const isForNobody = batchId !== undefined || isWarm === true;
  if (state === "ready" && isForNobody) return "destroying";
  return Date.parse(expiresAt) > now ? state : toExpired(record);
}

function toExpired(record: SessionRecord): SessionRecord["state"] {
  const { state } = record;
  if (state === "paused") return "destroying";
  // It may have paused: that is found when its provider is asked.
  return state === "ready" && !pausesItself(record) ? "ended" : state;
}

/**
 * Destroys every sandbox with our install label that no live entry of the ledger owns, on every target on record.
 * A target that cannot be reached is logged and left for the next sweep. Never rejects.
 */
export async function sweepSandboxes(deps: ReaperDeps, call: Call): Promise<void> {
  for (const target of distinctTargets(deps.pool.list())) {
    try {
      const provider = await deps.loadProvider(target);
      const doomed = listDoomed(deps, target);
      for await (const summary of provider.list(call)) await sweepOne(deps, provider, summary, call);
      // It got through: what was to be destroyed there is no more.
      for (const record of doomed) await endDoomed(deps, provider, record, call);
    } catch (error) {
      call.logger.warn(`Sandboxes on ${target.providerId} could not be looked through: ${toMessage(error)}`);
    }
  }
}

async function endDoomed({ pool }: ReaperDeps, provider: Provider, record: SessionRecord, call: Call): Promise<void> {
  await deletePaused(provider, record, call);
  await pool.end(record.id, record.endReason ?? "It was destroyed later: that had failed before.");
}

async function sweepOne(deps: ReaperDeps, provider: Provider, summary: SandboxSummary, call: Call): Promise<void> {
  if (summary.labels[INSTALL_LABEL] !== deps.installId) return;
  const sessionId = summary.labels[SESSION_LABEL] ?? "-";
  if (deps.pool.isEnding(sessionId) || (await deps.ledger.owns(sessionId, summary))) return;
  call.logger.info(`Destroying the sandbox ${summary.name}, which no session owns`);
  try {
    // Connecting would be going on with one that is paused.
    if (!summary.running && provider.deleteSaved) return await provider.deleteSaved(summary.id, call);
    const sandbox = await provider.connect(summary.id, call);
    await sandbox.destroy(call);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

// Those that nobody destroys at present.
function listDoomed({ pool }: ReaperDeps, target: Target): readonly SessionRecord[] {
  const place = toPlace(target);
  return pool
    .list()
    .filter((record) => record.state === "destroying" && toPlace(record.target) === place && !pool.isEnding(record.id));
}

function distinctTargets(records: readonly SessionRecord[]): readonly Target[] {
  return [...new Map(records.map(({ target }) => [toPlace(target), target])).values()];
}
