import type { Call } from "../core/call.ts";
import type { Logger } from "../core/logger.ts";
import type { Provider } from "../core/provider.ts";
import { createObjectStore } from "../snapshots/store/object-store.ts";
import type { Scanner } from "../snapshots/scan/scanner.ts";
import type { SecretScanner } from "../snapshots/secrets/secret-scanner.ts";
import { ChangeDesk } from "./change-desk.ts";
import { ChangeSetStore } from "./change-set-store.ts";
import { createAllowedSecrets } from "./allowed-secrets.ts";
import { BatchDesk } from "./batch/batch-desk.ts";
import { CellDesk } from "./cells/cell-desk.ts";
import { Costs } from "./cost/costs.ts";
import type { Credentials } from "./credentials.ts";
import { SandboxDesk } from "./sandbox-desk.ts";
import { WarmPool } from "./warm/warm-pool.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { EngineEvent } from "./engine.ts";
import { createLedger } from "./ledger.ts";
import { PauseDesk } from "./pause-desk.ts";
import { createProviderCache } from "./provider-cache.ts";
import { type ReaperDeps } from "./reaper.ts";
import type { ChangeCounts, RunRecord, Target } from "./records.ts";
import { RunDesk } from "./run-desk.ts";
import { DEFAULT_LOG_CAP_BYTES } from "./run-log-writer.ts";
import { createRunStore } from "./run-store.ts";
import type { PoolHooks } from "./pool-deps.ts";
import { SessionPool } from "./session-pool.ts";
import type { ChangeSetRecord } from "./snapshot-records.ts";
import { type UploadDeskDeps } from "./upload-desk.ts";
import { type StateFolder } from "./state-folder.ts";
import { createSnapshots, type Snapshots } from "./timeline/create-snapshots.ts";

/** What an engine is made from. */
export interface EngineDeps {
  readonly state: StateFolder;
  /** Called once per target and place; what it returns is kept. */
  readonly loadProvider: (target: Target) => Promise<Provider>;
  /** Disposed by whoever made it. */
  readonly scanner: Scanner;
  /** Disposed by whoever made it. */
  readonly secrets: SecretScanner;
  /** What {@link EngineDeps.loadProvider} gives to providers. */
  readonly credentials: Credentials;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly logCapBytes?: number;
  /** True when another engine uses the state folder too: then nothing on record is taken for abandoned. */
  readonly isShared?: boolean;
}

/** What the parts of an engine tell the whole. */
export interface PartsOwner {
  readonly newCall: () => Call;
  readonly onDidChange: (event: EngineEvent) => void;
  /** A sandbox may be there that no session has: the answer may have been lost. */
  readonly onDidLoseTrack: () => void;
  readonly onDidEndRun: () => Promise<void>;
}

/** The parts of an engine. */
export interface EngineParts {
  readonly clock: Clock;
  readonly loadProvider: (target: Target) => Promise<Provider>;
  readonly pool: SessionPool;
  readonly reaper: ReaperDeps;
  readonly changeSets: ChangeSetStore;
  readonly changes: ChangeDesk;
  readonly snapshots: Snapshots;
  readonly uploads: UploadDeskDeps;
  readonly runs: RunDesk;
  readonly costs: Costs;
  readonly batches: BatchDesk;
  readonly warm: WarmPool;
  readonly sandboxes: SandboxDesk;
  readonly cells: CellDesk;
  readonly pauses: PauseDesk;
}

// The parts are made from the pool that calls them.
function toPoolHooks(
  { onDidChange, onDidLoseTrack }: PartsOwner,
  parts: () => Pick<EngineParts, "snapshots" | "pauses" | "sandboxes" | "warm" | "costs">,
): PoolHooks {
  return {
    onDidChange: (session) => onDidChange({ type: "session", session }),
    pricing: {
      admit: (target, gpu, sessionId) => parts().costs.admit(target, gpu, sessionId),
      toRate: (target, gpu, machine) => parts().costs.toRate(target, gpu, machine),
    },
    claimWarm: (request, call) => parts().warm.claim(request, call),
    onDidLoseTrack,
    onWillEnd: (session, cause) => parts().snapshots.keepLast(session, cause),
    resumePaused: (request, call, notes) => parts().pauses.resumeFor(request, call, notes),
    setAside: (session, call) => parts().pauses.setAside(session, call),
    noteAutoPaused: (record) => parts().pauses.noteAutoPaused(record),
    onDidLose: (session) => parts().sandboxes.noteLost(session),
  };
}

/** Makes an engine's parts and ties them together. Nothing is read yet. */
export function createParts(deps: EngineDeps, installId: string, owner: PartsOwner): EngineParts {
  const { state, scanner, logger } = deps;
  const { newCall, onDidChange, onDidEndRun: onDidEnd } = owner;
  const clock = deps.clock ?? systemClock;
  const ledger = createLedger(state, logger);
  const store = createObjectStore(state.store);
  const loadProvider = createProviderCache(deps.loadProvider);
  const hooks = toPoolHooks(owner, () => ({ snapshots, pauses, sandboxes, warm, costs }));
  const pool: SessionPool = new SessionPool({ state, ledger, loadProvider, installId, clock, logger, ...hooks });
  const warm = new WarmPool({ state, pool, clock, logger, newCall });
  const onDidChangeSet = (changeSet: ChangeSetRecord): void => onDidChange({ type: "change-set", changeSet });
  const changeSets = new ChangeSetStore({ state, clock, logger, onDidChange: onDidChangeSet });
  const allowed = createAllowedSecrets(state);
  const uploads = { state, scanner, secrets: deps.secrets, store, pool, allowed, fingerprintKey: installId };
  const runStore = createRunStore(state, logger);
  const common = { state, store, scanner, clock, logger, pool, runs: runStore, onDidChange, loadProvider, newCall };
  const listRuns = (): readonly RunRecord[] => runs.list();
  const isShared = deps.isShared ?? false;
  const snapshots: Snapshots = createSnapshots({ ...common, listRuns, changeSets, uploads, isShared });
  const { timeline, native } = snapshots;
  const logCapBytes = deps.logCapBytes ?? DEFAULT_LOG_CAP_BYTES;
  const cells = new CellDesk(common);
  const runs: RunDesk = new RunDesk({ ...common, cells, uploads, timeline, native, logCapBytes, onDidEnd });
  const costs: Costs = new Costs({ ...common, runs });
  const sandboxes = new SandboxDesk(common);
  const pauses = new PauseDesk({ ...common, ...snapshots, installId });
  const onDidDecide = (runId: string, counts: ChangeCounts): Promise<void> => runs.setChanges(runId, counts);
  return {
    clock,
    loadProvider,
    pool,
    reaper: { ledger, loadProvider, installId, clock, pool },
    changeSets,
    changes: new ChangeDesk({ ...common, changeSets, listRuns, onDidDecide }),
    snapshots,
    uploads,
    runs,
    costs,
    batches: new BatchDesk({ ...common, runs, timeline, uploads, onDidEnd }),
    warm,
    sandboxes,
    cells,
    pauses,
  };
}
