import type { Sandbox } from "@daytona/sdk";
import type { Disposable } from "../../core/disposable-store.ts";

/** Well below the interval after which Daytona stops what nobody calls, see `create-params.ts`. */
const BEAT_MS = 5 * 60 * 1000;

/**
 * Tells Daytona that a sandbox is in use, until disposed: only calls count for it, not what runs inside. A beat that is lost
 * does no harm, the next one comes.
 */
export function startHeartbeat(sandbox: Pick<Sandbox, "refreshActivity">, beatMs = BEAT_MS): Disposable {
  const timer = setInterval(() => void sandbox.refreshActivity().catch(() => {}), beatMs);
  timer.unref();
  return { dispose: () => clearInterval(timer) };
}
