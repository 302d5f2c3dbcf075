import { type Duplex, PassThrough, type Readable } from "node:stream";

/** Marks of Daytona in front of lines: 01 01 01 for stdout, 02 02 02 for stderr. */
const HIGHEST_MARK = 2;
const NEWLINE = 10;

/** What the relay of `relay-script.ts` says. */
export interface RelayedStreams {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when input may be sent; and when there will be no more to it. */
  readonly ready: Promise<void>;
}

/**
 * Takes the relay's lines out of a log. Nothing is expected of Daytona's marks: whole, cut in two or missing, they are no
 * part of a line, and what is no line of the relay's is dropped. Both streams have to be read.
 */
export function demultiplex(log: AsyncIterable<Buffer>): RelayedStreams {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const ready = Promise.withResolvers<void>();
  const take = async (line: Buffer): Promise<void> => {
    const start = line.findIndex((byte) => byte > HIGHEST_MARK);
    const kind = start === -1 ? "" : String.fromCharCode(line[start] ?? 0);
    if (kind === "R") ready.resolve();
    else if (kind === "O") await write(stdout, decode(line, start + 1));
    else if (kind === "E") await write(stderr, decode(line, start + 1));
  };
  const pump = async (): Promise<void> => {
    try {
      for await (const line of splitLines(log)) await take(line);
    } finally {
      stdout.end();
      stderr.end();
      ready.resolve();
    }
  };
  void pump().catch(() => {});
  return { stdout, stderr, ready: ready.promise };
}

/** Without the newlines; what is not ended by one is dropped. */
async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, end)]);
      parts = [];
      start = end + 1;
    }
    if (start < chunk.length) parts.push(chunk.subarray(start));
  }
}

function decode(line: Buffer, start: number): Buffer {
  return Buffer.from(line.toString("latin1", start), "base64");
}

async function write(stream: Duplex, bytes: Buffer): Promise<void> {
  if (stream.destroyed || stream.write(bytes)) return;
  await new Promise<void>((resolve) => {
    stream.once("drain", resolve);
    stream.once("close", resolve);
  });
}
