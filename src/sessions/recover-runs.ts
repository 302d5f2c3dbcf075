import type { Logger } from "../core/logger.ts";
import { toMessage } from "../core/sandbox-error.ts";
import { type Clock, toIsoTime } from "./clock.ts";
import type { RunRecord } from "./records.ts";
import { repairRunLog } from "./run-log-reader.ts";
import type { RunStore } from "./run-store.ts";
import { type StateFolder, toRunFolder } from "./state-folder.ts";

/** What settling runs needs. */
export interface RecoverDeps {
  readonly state: StateFolder;
  readonly runs: RunStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Ends a run that an engine which died left going, and mends its log. Resolves with the record as it is now. */
export async function recoverRun(deps: RecoverDeps, run: RunRecord): Promise<RunRecord> {
  if (run.state === "ended") return run;
  await repairRunLog(toRunFolder(deps.state, run.id), deps.clock.now()).catch((error: unknown) =>
    deps.logger.warn(`The log of run ${run.id} could not be mended: ${toMessage(error)}`),
  );
  const ended: RunRecord = { ...run, state: "ended", endedAt: toIsoTime(deps.clock), ...toOutcome(run) };
  await deps.runs.save(ended);
  return ended;
}

function toOutcome(run: RunRecord): Partial<RunRecord> {
  if (run.exit) {
    const message =
      "Sandpiper's engine ended before the files that the run changed were brought back. The next run in the session brings them.";
    return { error: { code: "unavailable", message } };
  }
  if (run.startedAt !== undefined)
    return { exit: { kind: "lost", reason: "Sandpiper's engine ended while the command was running." } };
  return {
    error: { code: "unavailable", message: "Sandpiper's engine ended before the command had started. Run it again." },
  };
}
