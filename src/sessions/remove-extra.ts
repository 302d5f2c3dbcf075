import type { Call } from "../core/call.ts";
import { toMessage } from "../core/sandbox-error.ts";
import { toDisplay } from "../core/workspace-path.ts";
import type { LiveSession } from "./live-session.ts";
import { drain } from "./run-output.ts";

/** Takes out of the sandbox a file that was there for a run alone. Never rejects: one that stays is logged. */
export async function removeExtra(session: LiveSession, path: string, call: Call): Promise<void> {
  try {
    // Not by `apply`: that makes the sandbox forget which files were touched.
    const process = await session.sandbox.exec({ argv: ["rm", "-f", "--", path] }, call);
    const [exit] = await Promise.all([process.exit, drain(process.stdout), drain(process.stderr)]);
    if (exit.kind === "exited" && exit.code === 0) session.extraPaths.delete(path);
  } catch (error) {
    call.logger.warn(`${toDisplay(path)} stays in the sandbox: ${toMessage(error)}`);
  }
}
