import type { ConnectedEngine } from "../host/engine-client.ts";
import type { ApplyResult } from "../sessions/engine.ts";
import type { ReviewedChange } from "../sessions/records.ts";
import type { ChangeSetRecord } from "../sessions/snapshot-records.ts";
import { toApplyCode } from "./exit-code.ts";
import { describeApplied, describeChange, describePending } from "./describe-changes.ts";
import type { Io } from "./with-engine.ts";

/** What to do with changes that are no run's. */
export interface ReviewOptions {
  /** Writes what nothing stands in the way of. */
  readonly applies: boolean;
  readonly isJson: boolean;
}

/** Shows what a restore or a pull would change, and writes it when asked to; 1 when something is left to decide then. */
export async function reviewChangeSet(
  engine: ConnectedEngine,
  { print, printJson }: Io,
  { changeSet, applies, isJson }: ReviewOptions & { readonly changeSet: ChangeSetRecord },
): Promise<number> {
  const changes = await engine.readChanges(changeSet.id);
  const result =
    applies && changeSet.changes.pending > 0 ? await engine.applyChanges(changeSet.id, "all", []) : undefined;
  const code = result ? toApplyCode(result) : 0;
  const lines = result ? describeApplied(changeSet.id, result) : [describePending(changeSet)];
  if (isJson) for (const event of toEvents(changeSet, changes, { result, code })) await printJson(event);
  else if (changes.length === 0) await print("Nothing to change: the workspace has it all.");
  else for (const line of [...changes.map(describeChange), ...lines]) if (line !== undefined) await print(line);
  return code;
}

function toEvents(
  changeSet: ChangeSetRecord,
  changes: readonly ReviewedChange[],
  { result, code }: { readonly result: ApplyResult | undefined; readonly code: number },
): readonly object[] {
  return [
    { type: "change-set", changeSet },
    { type: "changes", changes },
    ...(result ? [{ type: "applied", result }] : []),
    { type: "end", exitCode: code },
  ];
}
