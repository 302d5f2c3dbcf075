import type { StreamName } from "./labelled-log.ts";

/** Who one of a shell's streams belongs to for a while. */
interface Listener {
  readonly id: string;
  readonly log: { append(stream: StreamName, lines: readonly Buffer[]): void };
  endStream(exitCode: number): void;
}

const NEWLINE = 10;

/** For `printf`: stands before the exit code where a command's output has ended. No command can know its id before. */
export function toMark(commandId: string): string {
  return `\\000${commandId}:`;
}

/** One stream of a session's shell, given to its commands one after the other, line by line. */
export class SessionOutput {
  readonly #stream: StreamName;
  readonly #listeners: Listener[] = [];
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: StreamName) {
    this.#stream = stream;
  }

  /** What comes after the last mark that is expected is this one's. */
  expect(listener: Listener): void {
    this.#listeners.push(listener);
  }

  feed(chunk: Buffer): void {
    const data = Buffer.concat([this.#rest, chunk]);
    let lines: Buffer[] = [];
    let from = 0;
    for (let end = data.indexOf(NEWLINE); end !== -1; end = data.indexOf(NEWLINE, from)) {
      const line = data.subarray(from, end);
      from = end + 1;
      const [listener] = this.#listeners;
      const mark = listener ? line.indexOf(`\0${listener.id}:`) : -1;
      if (mark === -1) {
        lines.push(line);
        continue;
      }
      if (mark > 0) lines.push(line.subarray(0, mark));
      this.#pass(lines);
      lines = [];
      this.#listeners.shift();
      listener?.endStream(Number(line.toString("latin1", line.lastIndexOf(":") + 1)));
    }
    this.#pass(lines);
    this.#rest = data.subarray(from);
  }

  #pass(lines: readonly Buffer[]): void {
    if (lines.length > 0) this.#listeners[0]?.log.append(this.#stream, lines);
  }
}
