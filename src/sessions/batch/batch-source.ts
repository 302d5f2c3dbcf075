import type { Call } from "../../core/call.ts";
import type { Gate } from "./gate.ts";
import { Limit } from "./limit.ts";
import type { SharedSnapshot } from "./shared-snapshot.ts";

// What comes back is listed and compared in memory: a thousand lists at once would be too many.
const MOST_COLLECTING = 16;

/** What the runs of a batch share. */
export interface BatchSource {
  readonly batchId: string;
  readonly snapshot: SharedSnapshot;
  /** Makes a run's sandbox once there is room for it, see {@link Gate.admit}. */
  admit<T>(runId: string, create: () => Promise<T>, call: Call): Promise<T>;
  /** Brings back what a run changed when it is its turn. */
  collect(task: () => Promise<void>, signal: AbortSignal): Promise<void>;
}

export function createBatchSource(batchId: string, snapshot: SharedSnapshot, gate: Gate): BatchSource {
  const collecting = new Limit(MOST_COLLECTING);
  return {
    batchId,
    snapshot,
    admit: (runId, create, call) => gate.admit(runId, create, call),
    collect: (task, signal) => collecting.run(task, signal),
  };
}
