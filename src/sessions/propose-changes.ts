import type { PlannedChange } from "../snapshots/changes/merge.ts";
import type { ObjectStore } from "../snapshots/store/object-store.ts";
import { whyProtectedManifest } from "../snapshots/changes/protected-manifest.ts";
import { whyProtectedPath } from "../snapshots/changes/protected-path.ts";
import { withRenames } from "../snapshots/changes/renames.ts";
import type { Change } from "./records.ts";

/**
 * Puts planned changes to the user: pending, with what was renamed and what is protected, and why. In the order given.
 * @param store where their contents are
 */
export async function proposeChanges(
  planned: readonly PlannedChange[],
  store: ObjectStore,
): Promise<readonly Change[]> {
  const changes: Change[] = [];
  for (const change of withRenames(planned)) {
    const reason = whyProtectedPath(change.path) ?? (await whyProtectedManifest(change, store));
    changes.push({
      ...change,
      decision: "pending",
      isProtected: reason !== undefined,
      ...(reason === undefined ? {} : { protectedBecause: reason }),
    });
  }
  return changes;
}
