/** The writing side of a command's stdin. */
export interface StdinWriter {
  /** Resolves when there is room for more. @throws what the stream threw, from then on */
  write(data: Uint8Array): Promise<void>;
  /** Sends what is left, then the end. */
  close(): Promise<void>;
}

/** One call each to a provider; Modal's own Python client sends no more at once either. */
const CHUNK_BYTES = 1024 * 1024;
const MOST_PENDING_BYTES = 2 * CHUNK_BYTES;

/**
 * Each chunk is a round trip: what is written while one is under way travels together in the next, so that a tar of many
 * small files takes as many round trips as it has megabytes.
 */
export function createStdinWriter(stream: WritableStream<Uint8Array>): StdinWriter {
  const writer = stream.getWriter();
  writer.closed.catch(() => {});
  const pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let sending: Promise<void> | undefined;
  let hasFailed = false;

  const send = async (): Promise<void> => {
    while (pending.length > 0) {
      const chunk = takeChunk(pending);
      pendingBytes -= chunk.byteLength;
      await writer.write(chunk);
    }
    sending = undefined;
  };
  // After a failure it stays what it is, a rejection, and nothing more is taken in.
  const start = (): Promise<void> => {
    if (sending) return sending;
    sending = send();
    sending.catch(() => {
      hasFailed = true;
    });
    return sending;
  };
  return {
    async write(data) {
      if (hasFailed) await start();
      if (data.byteLength === 0) return;
      // The stream keeps what it is given until it has been sent, and the caller may use its buffer again.
      pending.push(Buffer.from(data));
      pendingBytes += data.byteLength;
      const sent = start();
      if (pendingBytes > MOST_PENDING_BYTES) await sent;
    },
    async close() {
      await start();
      await writer.close();
    },
  };
}

/** Takes the beginning of what is pending, at most a chunk. */
function takeChunk(pending: Uint8Array[]): Uint8Array {
  const first = pending[0] ?? new Uint8Array();
  if (first.byteLength > CHUNK_BYTES) {
    pending[0] = first.subarray(CHUNK_BYTES);
    return first.subarray(0, CHUNK_BYTES);
  }
  let bytes = 0;
  let count = 0;
  while (count < pending.length && bytes + (pending[count]?.byteLength ?? 0) <= CHUNK_BYTES) {
    bytes += pending[count]?.byteLength ?? 0;
    count++;
  }
  const parts = pending.splice(0, count);
  return parts.length === 1 ? first : Buffer.concat(parts);
}
