import type { Logger as SdkLogger } from "modal";
import type { Logger } from "../../core/logger.ts";
import { scrub } from "./to-sandbox-error.ts";

/** What the SDK may tell of beside its message: ids and numbers, never commands, which may hold secrets. */
const SHOWN_FIELDS = new Set([
  "app_id",
  "image_id",
  "sandbox_id",
  "task_id",
  "exec_id",
  "secret_name",
  "status",
  "message",
  "error",
  "method",
  "retries",
  "delay",
  "delay_ms",
  "elapsed_secs",
  "server_delay_secs",
  "throttle_retries",
  "return_code",
]);

/**
 * The SDK's logger: silent by itself, it hands on to whoever's call came last.
 * @param secrets never handed on
 */
export function createSdkLogger(read: () => Logger, secrets: readonly string[]): SdkLogger {
  const say =
    (level: keyof Logger) =>
    (message: string, ...fields: unknown[]) => {
      read()[level](scrub(`Modal: ${message}${describe(fields)}`, secrets));
    };
  // What the SDK warns of (that a sandbox on this machine is reached without TLS, that it was told to wait) is for us.
  return { debug: say("debug"), info: say("debug"), warn: say("debug"), error: say("warn") };
}

/** The SDK gives names and values in turn. */
function describe(fields: readonly unknown[]): string {
  let text = "";
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = String(fields[index]);
    if (SHOWN_FIELDS.has(name)) text += ` ${name}=${toText(fields[index + 1])}`;
  }
  return text;
}

function toText(value: unknown): string {
  if (value instanceof Error) return value.message;
  return typeof value === "string" || typeof value === "number" ? String(value) : "…";
}
