import { randomBytes } from "node:crypto";
import type { ExitStatus } from "../../core/sandbox.ts";

// Not NUL: a byte that is in no UTF-8 text and hardly in any protocol, since a chunk that ends with it is held back
// until the next one comes.
const EDGE = 0xc1;
const LONGEST_STATUS = 24;

/** A fresh secret that tells the supervisor's trailer from the command's output. */
export function createNonce(): string {
  return randomBytes(16).toString("hex");
}

/**
 * Takes the supervisor's trailer off the end of one stream and reads from it how the command ended. What follows the
 * trailer is not the command's and is dropped. Chunks without a trailer pass uncopied.
 * A command that reads its parent's memory can forge its own ending; it gains nothing that exiting would not give it.
 */
export class TrailerFilter {
  readonly #marker: Buffer;
  #held: Buffer = Buffer.alloc(0);
  #status: ExitStatus | undefined;

  constructor(nonce: string) {
    this.#marker = Buffer.concat([Buffer.from([EDGE]), Buffer.from(`${nonce} `, "latin1")]);
  }

  /** How the command ended, once the trailer has been seen. */
  get status(): ExitStatus | undefined {
    return this.#status;
  }

  /** Returns what of the output can be told by now to be the command's; often `chunk` itself, perhaps empty. */
  push(chunk: Uint8Array): Uint8Array {
    if (this.#status) return chunk.subarray(0, 0);
    const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const bytes = this.#held.length > 0 ? Buffer.concat([this.#held, view]) : view;
    const start = this.#findTrailer(bytes);
    if (start === -1) {
      this.#held = Buffer.alloc(0);
      return bytes === view ? chunk : bytes;
    }
    // A copy, so that a few held bytes do not keep a large chunk alive.
    this.#held = this.#status ? Buffer.alloc(0) : Buffer.from(bytes.subarray(start));
    return bytes.subarray(0, start);
  }

  /** What was held back when the stream ended without a trailer. */
  end(): Uint8Array {
    const rest = this.#held;
    this.#held = Buffer.alloc(0);
    return rest;
  }

  /** Where the trailer, or what may become one, begins; -1 when nowhere. Sets the status when the trailer is whole. */
  #findTrailer(bytes: Buffer): number {
    for (let start = bytes.indexOf(this.#marker); start !== -1; start = bytes.indexOf(this.#marker, start + 1)) {
      const from = start + this.#marker.length;
      const end = bytes.indexOf(EDGE, from);
      if (end === -1 && bytes.length - from <= LONGEST_STATUS) return start;
      const status = end === -1 ? undefined : parseStatus(bytes.toString("latin1", from, end));
      if (status) {
        this.#status = status;
        return start;
      }
    }
    const tail = Math.max(0, bytes.length - this.#marker.length + 1);
    for (let start = bytes.indexOf(EDGE, tail); start !== -1; start = bytes.indexOf(EDGE, start + 1))
      if (this.#marker.subarray(0, bytes.length - start).equals(bytes.subarray(start))) return start;
    return -1;
  }
}

function parseStatus(text: string): ExitStatus | undefined {
  const [, kind, digits] = /^(exited|signaled) (\d{1,3})$/.exec(text) ?? [];
  if (!kind) return undefined;
  const number = Number(digits);
  return kind === "exited" ? { kind: "exited", code: number } : { kind: "signaled", signal: toSignalName(number) };
}

// Linux numbers: the sandbox is Linux even where we are not, and these are the same on all its common architectures.
const LINUX_SIGNALS: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  5: "SIGTRAP",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  10: "SIGUSR1",
  11: "SIGSEGV",
  12: "SIGUSR2",
  13: "SIGPIPE",
  14: "SIGALRM",
  15: "SIGTERM",
  16: "SIGSTKFLT",
  17: "SIGCHLD",
  18: "SIGCONT",
  19: "SIGSTOP",
  20: "SIGTSTP",
  21: "SIGTTIN",
  22: "SIGTTOU",
  23: "SIGURG",
  24: "SIGXCPU",
  25: "SIGXFSZ",
  26: "SIGVTALRM",
  27: "SIGPROF",
  28: "SIGWINCH",
  29: "SIGIO",
  30: "SIGPWR",
  31: "SIGSYS",
};

/** Name of a Linux signal with its prefix; "SIGRTMIN+n" for the real-time ones. */
export function toSignalName(number: number): string {
  return LINUX_SIGNALS[number] ?? `SIGRTMIN+${number - 34}`;
}

/** How a supervisor can see a command end. */
export type Ending = Exclude<ExitStatus, { kind: "lost" }>;

/** The trailer that {@link TrailerFilter} takes off, for a supervisor that is not one of our scripts. Names of signals that Linux has not are told as SIGKILL. */
export function toTrailer(nonce: string, status: Ending): Buffer {
  const text = status.kind === "exited" ? `exited ${status.code}` : `signaled ${toSignalNumber(status.signal)}`;
  return Buffer.concat([Buffer.from([EDGE]), Buffer.from(`${nonce} ${text}`, "latin1"), Buffer.from([EDGE])]);
}

function toSignalNumber(name: string): string {
  return Object.entries(LINUX_SIGNALS).find(([, known]) => known === name)?.[0] ?? "9";
}
