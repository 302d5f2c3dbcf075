import type { LogChunk, LogStream } from "../sessions/run-log-reader.ts";

/** A piece of output as an event of `--json`. */
export type OutputEvent =
  | { readonly type: "output"; readonly stream: LogStream; readonly offset: number; readonly text: string }
  | { readonly type: "output"; readonly stream: LogStream; readonly offset: number; readonly base64: string };

/** Turns output into events: text where it is UTF-8, base64 where it is not. A character that two pieces share goes whole into the second. */
export class JsonOutput {
  readonly #held = new Map<LogStream, Held>();

  push({ stream, data, offset }: LogChunk): OutputEvent | undefined {
    const held = this.#held.get(stream);
    const bytes = held ? Buffer.concat([held.data, data]) : Buffer.from(data);
    const start = held?.offset ?? offset;
    const cut = bytes.length - countUnfinished(bytes);
    this.#held.delete(stream);
    if (cut < bytes.length)
      this.#held.set(stream, {
        data: bytes.subarray(cut),
        offset: cut === 0 ? start : offset + data.length - (bytes.length - cut),
      });
    return cut === 0 ? undefined : toEvent(stream, start, bytes.subarray(0, cut));
  }

  /** What is left when the output has ended. */
  flush(): readonly OutputEvent[] {
    const left = [...this.#held].map(([stream, { data, offset }]) => toEvent(stream, offset, data));
    this.#held.clear();
    return left;
  }
}

interface Held {
  readonly data: Uint8Array;
  /** Of its first byte, in the log. */
  readonly offset: number;
}

function toEvent(stream: LogStream, offset: number, data: Uint8Array): OutputEvent {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
    return { type: "output", stream, offset, text };
  } catch {
    return { type: "output", stream, offset, base64: Buffer.from(data).toString("base64") };
  }
}

// Bytes at the end that begin a character whose rest has yet to come: RFC 3629, section 3.
function countUnfinished(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}
