import type { Sandbox } from "@daytona/sdk";
import { type Call, toCleanupCall } from "../../core/call.ts";
import type { SavedState } from "../../core/sandbox.ts";
import { abortable } from "../abortable.ts";
import { toMinutes } from "./create-params.ts";
import { type SandboxFacts, toLabels } from "./labels.ts";
import type { Machine } from "./machine.ts";
import { withRetries } from "./retry.ts";
import { isNotFound } from "./to-sandbox-error.ts";

/** Nothing is kept for ever: its disk costs. */
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;
const NEVER = -1;
const STOP_TIMEOUT_SECONDS = 5 * 60;
const UNDO_TIMEOUT_MS = 60_000;

/** Stops a sandbox so that its files are kept; its processes end. When that fails it runs on as before. */
export async function pauseSandbox(
  { sandbox, facts }: Pick<Machine, "sandbox" | "facts">,
  call: Call,
): Promise<SavedState> {
  const expiresAt = new Date(Date.now() + KEPT_MS);
  try {
    // Before it stops: it would be deleted afterwards.
    await withRetries(call, () => sandbox.setAutoDeleteInterval(NEVER));
    await setEnd(sandbox, { ...facts, expiresAt, isPaused: true }, call);
    await abortable(sandbox.stop(STOP_TIMEOUT_SECONDS), call.signal);
    return { id: sandbox.id, expiresAt };
  } catch (error) {
    const cleanup = toCleanupCall(call, UNDO_TIMEOUT_MS);
    await setRunning(sandbox, facts, cleanup).catch(() => {});
    throw error;
  }
}

/** Lets a sandbox's time end as its facts say, whatever was said before. */
export async function setRunning(sandbox: Sandbox, facts: SandboxFacts, call: Call): Promise<void> {
  await Promise.all([
    setEnd(sandbox, facts, call),
    withRetries(call, () => sandbox.setAutoDeleteInterval(toMinutes(facts.expiresAt.getTime() - Date.now()))),
  ]);
}

/** Tells Daytona when to destroy a sandbox, and what to know of it. */
async function setEnd(sandbox: Sandbox, facts: SandboxFacts, call: Call): Promise<void> {
  const minutes = toMinutes(facts.expiresAt.getTime() - Date.now());
  await Promise.all([
    setTtl(sandbox, minutes, call),
    withRetries(call, () => sandbox.setLabels({ ...sandbox.labels, ...toLabels(facts) })),
  ]);
}

/** Counts from now on. Servers that do not have it yet end sandboxes by their other intervals. */
export async function setTtl(sandbox: Sandbox, minutes: number, call: Call): Promise<void> {
  try {
    await withRetries(call, () => sandbox.setTtl(minutes));
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
