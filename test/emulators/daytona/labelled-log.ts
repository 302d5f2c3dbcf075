import { OutputSpool } from "../shared/output-spool.ts";

/** What stands before every line of the log, by its stream. */
export const PREFIXES = { stdout: Buffer.from([1, 1, 1]), stderr: Buffer.from([2, 2, 2]) } as const;
export type StreamName = keyof typeof PREFIXES;

const NEWLINE = 10;
const NUL = 0;

/**
 * All that a command of a session has printed, as the daemon keeps it: a prefix before every line, both streams in one.
 * Lines are read by a shell there, so that bytes of zero are gone and the last line always ends with a newline.
 */
export class LabelledLog {
  readonly #spool: OutputSpool;
  readonly #kept: Buffer[] = [];

  /** `file` is written when the log is large. */
  constructor(file: string) {
    this.#spool = new OutputSpool(file);
  }

  /** Lines without their newlines. */
  append(stream: StreamName, lines: readonly Buffer[]): void {
    const labelled = lines.flatMap((line) => [PREFIXES[stream], withoutNul(line), Buffer.from([NEWLINE])]);
    const bytes = Buffer.concat(labelled);
    this.#spool.append(bytes);
    this.#kept.push(bytes);
  }

  end(): void {
    this.#spool.end();
  }

  /** From the start on, then what still comes, until the end or until `signal` aborts. */
  read(signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
    return this.#spool.read(0, signal);
  }

  /** What there is now: all with its prefixes, and each stream without. */
  texts(): { readonly output: string; readonly stdout: string; readonly stderr: string } {
    const output = Buffer.concat(this.#kept);
    return { output: output.toString(), stdout: pick(output, "stdout"), stderr: pick(output, "stderr") };
  }

  dispose(): void {
    this.#spool.dispose();
    this.#kept.length = 0;
  }
}

/** Cuts what a log says into the frames of a socket, at any place: within a prefix, between two, after one byte. */
export function* toFrames(chunk: Buffer): Generator<Buffer> {
  const sizes = [1, 1, 3, 2, 64, 1, 32_768];
  for (let [at, turn] = [0, 0]; at < chunk.byteLength; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield chunk.subarray(at, at + size);
    at += size;
  }
}

function withoutNul(line: Buffer): Buffer {
  return line.includes(NUL) ? Buffer.from(line.filter((byte) => byte !== NUL)) : line;
}

function pick(output: Buffer, wanted: StreamName): string {
  const picked: Buffer[] = [];
  let stream: StreamName | undefined;
  let from = 0;
  const keep = (to: number) => stream === wanted && picked.push(output.subarray(from, to));
  for (let at = 0; at < output.byteLength; at += 1) {
    const found = prefixAt(output, at);
    if (!found) continue;
    keep(at);
    stream = found;
    from = at + PREFIXES[found].byteLength;
    at = from - 1;
  }
  keep(output.byteLength);
  return Buffer.concat(picked).toString();
}

function prefixAt(output: Buffer, at: number): StreamName | undefined {
  const [first, second, third] = output.subarray(at, at + 3);
  if (first !== second || second !== third) return undefined;
  return first === 1 ? "stdout" : first === 2 ? "stderr" : undefined;
}
