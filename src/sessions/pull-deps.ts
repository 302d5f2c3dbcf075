import { readIgnoreRules } from "../snapshots/rules/ignore-rules.ts";
import type { ObjectStore } from "../snapshots/store/object-store.ts";
import type { LiveSession } from "./live-session.ts";
import type { PullDeps } from "./pull.ts";
import type { Target } from "./records.ts";

// More files than that in one batch of what comes back is an attack.
const MAX_ENTRIES = 1_000_000;

/** How much may come back from a session's sandbox, and what stays there. */
export function toPullDeps(
  store: ObjectStore,
  request: { readonly workspaceRoot: string; readonly target: Target },
  session: LiveSession,
): PullDeps {
  const maxBytes = request.target.diskMiB * 1024 ** 2;
  return {
    store,
    rules: readIgnoreRules(request.workspaceRoot),
    limits: { maxEntries: MAX_ENTRIES, maxTotalBytes: maxBytes, maxFileBytes: maxBytes },
    leaveOut: session.extraPaths,
  };
}
