import type { Duplex } from "node:stream";
import { createByteQueue } from "../byte-queue.ts";

const HEADER_BYTES = 8;
const STDERR = 2;
const LAST_STREAM = 3;

/**
 * How much of one stream is kept while only the other is read; the connection is paused beyond it, so that the command
 * is held back. A reader that reads both streams never waits for long.
 */
const MAX_QUEUED_BYTES = 1024 * 1024;
const RESUME_BELOW_BYTES = MAX_QUEUED_BYTES / 4;

/** Both output streams of an exec. */
export interface OutputStreams {
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
}

/**
 * Splits the connection of an exec into its streams without copying. Both end when the connection does, however it does.
 * @param isRaw the exec has a terminal: everything is stdout
 */
export function demultiplex(connection: Duplex, isRaw: boolean): OutputStreams {
  const regulate = (): void => {
    const queued = Math.max(stdout.sizeBytes, stderr.sizeBytes);
    if (queued > MAX_QUEUED_BYTES) connection.pause();
    else if (queued < RESUME_BELOW_BYTES && connection.isPaused()) connection.resume();
  };
  const stdout = createByteQueue(regulate);
  const stderr = createByteQueue(regulate);
  const parse = isRaw
    ? (chunk: Uint8Array) => stdout.push(chunk)
    : createFrameParser((stream, payload) => (stream === STDERR ? stderr : stdout).push(payload));
  const end = (): void => {
    stdout.end();
    stderr.end();
  };
  connection.on("data", (chunk: Uint8Array) => {
    try {
      parse(chunk);
    } catch (error) {
      connection.destroy(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    regulate();
  });
  connection.on("end", end).on("close", end).on("error", end);
  return { stdout, stderr };
}

/**
 * Reads frames of one byte stream number, three zero bytes, a 32-bit big-endian length and that many bytes
 * (https://docs.docker.com/reference/api/engine/, "Attach to a container"). Payloads are passed on as they come, as views.
 * @returns takes the next bytes of the connection; throws when they are no frames
 */
export function createFrameParser(
  onPayload: (stream: number, payload: Uint8Array) => void,
): (chunk: Uint8Array) => void {
  const header = Buffer.alloc(HEADER_BYTES);
  let headerFilled = 0;
  let payloadLeft = 0;
  return (chunk) => {
    let at = 0;
    while (at < chunk.byteLength) {
      if (payloadLeft === 0) {
        const taken = Math.min(HEADER_BYTES - headerFilled, chunk.byteLength - at);
        header.set(chunk.subarray(at, at + taken), headerFilled);
        at += taken;
        headerFilled += taken;
        if (headerFilled < HEADER_BYTES) return;
        if (header.readUInt8(0) > LAST_STREAM) throw new Error("Docker sent something that is no frame.");
        payloadLeft = header.readUInt32BE(4);
        headerFilled = 0;
      } else {
        const taken = Math.min(payloadLeft, chunk.byteLength - at);
        onPayload(header.readUInt8(0), chunk.subarray(at, at + taken));
        at += taken;
        payloadLeft -= taken;
      }
    }
  };
}
