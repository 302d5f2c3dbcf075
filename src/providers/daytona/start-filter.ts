const NEWLINE = 10;

/** See {@link createStartFilter}. */
export interface StartFilter {
  /** Returns what of the output is the command's; perhaps nothing. */
  push(bytes: Uint8Array): Uint8Array;
  /** Resolves when the command has begun. */
  readonly started: Promise<void>;
}

/**
 * Leaves out what a terminal shows before the command begins (the shell's greeting, its prompt, the echo of what was typed
 * to start it): everything up to a line that is `mark` alone.
 */
export function createStartFilter(mark: string): StartFilter {
  const started = Promise.withResolvers<void>();
  let held: Buffer | undefined = Buffer.alloc(0);
  const push = (bytes: Uint8Array): Uint8Array => {
    if (!held) return bytes;
    held = Buffer.concat([held, bytes]);
    const start = findLine(held, mark);
    if (start === -1) return new Uint8Array();
    const rest = held.subarray(start);
    held = undefined;
    started.resolve();
    return rest;
  };
  return { push, started: started.promise };
}

/** Where what follows that line begins; -1 when it has not come. */
function findLine(bytes: Buffer, mark: string): number {
  const found = bytes.indexOf(mark);
  if (found === -1) return -1;
  const end = bytes.indexOf(NEWLINE, found);
  return end === -1 ? -1 : end + 1;
}
