import type { Logger } from "../core/logger.ts";
import { toMessage } from "../core/sandbox-error.ts";
import type { ExitStatus, Process } from "../core/sandbox.ts";
import type { Clock } from "./clock.ts";
import type { RunLogWriter } from "./run-log-writer.ts";
import type { LogStream } from "./run-log-format.ts";

// A stream that stays open after the command has ended is nobody's any more.
const STREAM_GRACE_MS = 5000;

/** Copies both streams into the log until they end; resolves with how the command ended once every byte can be read. */
export async function recordOutput(
  process: Process,
  log: RunLogWriter,
  clock: Clock,
  logger: Logger,
): Promise<ExitStatus> {
  const streams = Promise.all([
    copy(process.stdout, "stdout", log, logger),
    copy(process.stderr, "stderr", log, logger),
  ]);
  const exit = await process.exit;
  await Promise.race([streams, afterGrace(clock)]);
  await log.flush();
  return exit;
}

async function copy(
  stream: AsyncIterable<Uint8Array>,
  name: LogStream,
  log: RunLogWriter,
  logger: Logger,
): Promise<void> {
  try {
    for await (const data of stream) await log.append(name, data);
  } catch (error) {
    logger.warn(`The command's ${name} broke off: ${toMessage(error)}`);
  }
}

/** Resolves when a stream that is still open is nobody's any more. */
export function afterGrace(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.after(STREAM_GRACE_MS, resolve);
  });
}

/** Reads a stream that nobody wants to its end, so that its writer can end. */
export async function drain(stream: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _data of stream) continue;
}
