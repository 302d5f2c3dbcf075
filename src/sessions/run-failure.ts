import type { Logger } from "../core/logger.ts";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import { BlockedUploadError } from "./blocked-upload.ts";
import type { RunRecord } from "./records.ts";

/**
 * What a run's record says of an error; a bug goes to the log as well.
 * @param what went wrong, for people, where the message alone would not tell
 */
export function toRunFailure(
  error: unknown,
  what: string | undefined,
  logger: Logger,
): Pick<RunRecord, "error" | "blocked"> {
  const code = error instanceof SandboxError ? error.code : "unavailable";
  const message = what === undefined ? toMessage(error) : `${what}: ${toMessage(error)}${toHint(code)}`;
  if (!(error instanceof SandboxError)) logger.error(error instanceof Error ? (error.stack ?? message) : message);
  const blocked = error instanceof BlockedUploadError ? { blocked: error.blocked } : {};
  return { error: { code, message }, ...blocked };
}

// Of what could not be brought back.
function toHint(code: SandboxError["code"]): string {
  if (code !== "blocked") return "";
  return " They stay in the sandbox: remove there what is not needed, raise the limit (setting sandpiper.diskMiB), or start a new session.";
}
