/** A stream of bytes between one writer and one reader; single use. */
export interface ByteQueue extends AsyncIterable<Uint8Array> {
  /** Bytes pushed and not yet taken. */
  readonly sizeBytes: number;
  push(chunk: Uint8Array): void;
  /** No more comes; what is queued can still be read. */
  end(): void;
}

/** @param onTaken called after each chunk that the reader took or gave up */
export function createByteQueue(onTaken: () => void): ByteQueue {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  let hasEnded = false;
  let wake: (() => void) | undefined;

  async function* read(): AsyncGenerator<Uint8Array> {
    try {
      while (true) {
        const chunk = chunks.shift();
        if (chunk) {
          sizeBytes -= chunk.byteLength;
          onTaken();
          yield chunk;
        } else if (hasEnded) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      // A reader that leaves early wants no more: nothing may be held back because of it.
      chunks.length = 0;
      sizeBytes = 0;
      hasEnded = true;
      onTaken();
    }
  }

  const reader = read();
  const wakeReader = (): void => {
    wake?.();
    wake = undefined;
  };
  return {
    get sizeBytes() {
      return sizeBytes;
    },
    push(chunk) {
      if (hasEnded || chunk.byteLength === 0) return;
      chunks.push(chunk);
      sizeBytes += chunk.byteLength;
      wakeReader();
    },
    end() {
      hasEnded = true;
      wakeReader();
    },
    [Symbol.asyncIterator]: () => reader,
  };
}
