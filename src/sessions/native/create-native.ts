import { toCleanupCall } from "../../core/call.ts";
import { toMessage } from "../../core/sandbox-error.ts";
import type { StateFolder } from "../state-folder.ts";
import { NativeDesk, type NativeDeskDeps } from "./native-desk.ts";
import { NativeRecords, type NativeRecordsDeps } from "./native-records.ts";
import { createNativeStore, type NativeRecord } from "./native-store.ts";

/** What saved workspaces are made of. */
export interface NativeDeps
  extends Omit<NativeDeskDeps, "records" | "deleteSaved">, Pick<NativeRecordsDeps, "onDidChange"> {
  readonly state: StateFolder;
}

/** Workspaces that providers keep for us: which there are, and what is done with them. */
export interface Native {
  readonly records: NativeRecords;
  readonly desk: NativeDesk;
}

/** Reads nothing yet: `records.load` does. */
export function createNative(deps: NativeDeps): Native {
  const deleteSaved = (saved: SavedAt): Promise<void> => deleteAtProvider(deps, saved);
  const store = createNativeStore(deps.state.native, deps.logger);
  const records = new NativeRecords({ ...deps, store, deleteSaved });
  return { records, desk: new NativeDesk({ ...deps, records, deleteSaved }) };
}

type SavedAt = Pick<NativeRecord, "target" | "place" | "savedId">;

// What stays there expires by itself.
async function deleteAtProvider(deps: NativeDeps, { target, place, savedId }: SavedAt): Promise<void> {
  try {
    const provider = await deps.loadProvider(target);
    if (provider.savedStatePlace === place) await provider.deleteSaved?.(savedId, toCleanupCall(deps.newCall()));
  } catch (error) {
    deps.logger.debug(`A saved workspace stays at its provider until it expires: ${toMessage(error)}`);
  }
}
