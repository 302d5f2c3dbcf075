import type { Call } from "../../core/call.ts";
import type { ObjectStore } from "../../snapshots/store/object-store.ts";
import type { LiveSession } from "../live-session.ts";
import type { NativeDesk } from "../native/native-desk.ts";
import { type PushedTree, pushTree } from "../push.ts";

/** What bringing a snapshot's files into a session needs. */
export interface BringTreeDeps {
  readonly store: ObjectStore;
  readonly native: NativeDesk;
}

/**
 * Makes the session's sandbox hold exactly those files, from what its provider keeps where that is nearest; the session's
 * `arrival` says how. Call it under the session's lock.
 */
export async function bringTree(
  { store, native }: BringTreeDeps,
  session: LiveSession,
  pushed: Omit<PushedTree, "store">,
  call: Call,
): Promise<void> {
  const mounted = await native.mountNearest(session, pushed.tree, call);
  const sent = await pushTree(session.sandbox, session.files, { ...pushed, store }, call);
  session.arrival = { sent, mounted };
  await native.saveAfterPush(session, sent.totalBytes, call);
}
