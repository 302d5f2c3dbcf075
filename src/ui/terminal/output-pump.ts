import { EscapeFilter } from "./escape-filter.ts";

/** A piece of a run's log. */
interface LogPiece {
  readonly data: Uint8Array;
  /** Where the next piece begins. */
  readonly nextOffset: number;
  /** How long the log is by now. */
  readonly sizeBytes: number;
}

/** Reads at most `maxBytes` of a run's log; an empty piece at its end. */
export type ReadLog = (runId: string, fromOffset: number, maxBytes: number) => Promise<LogPiece>;

/** How output gets from the log to a terminal. */
export interface OutputPumpDeps {
  readonly readLog: ReadLog;
  readonly write: (text: string) => void;
  /** Told when output is left out of the terminal, with how many bytes. */
  readonly onSkip: (bytes: number) => void;
  /** Resolves after one frame; the pace at which a terminal is fed. */
  readonly nextFrame: () => Promise<void>;
}

/** Per frame of 16 ms, about 4 MiB/s: what a terminal draws without falling behind. It tells extensions nothing of how far it is. */
const CHUNK_BYTES = 64 * 1024;
/** Farther behind than this, the middle is skipped: two seconds of drawing. */
const MAX_BEHIND_BYTES = 8 * 1024 * 1024;
const TAIL_BYTES = 512 * 1024;

/**
 * Carries a run's output from its log to a terminal, made safe, with never more than one chunk in memory: a flood stays on
 * disk, and a terminal that is far behind jumps to the tail.
 */
export class OutputPump {
  readonly #runId: string;
  readonly #deps: OutputPumpDeps;
  readonly #filter = new EscapeFilter();
  #offset = 0;
  #availableBytes = 0;
  #isFinal = false;
  #isStopped = false;
  #isStale = false;
  #wake: (() => void) | undefined;

  constructor(runId: string, deps: OutputPumpDeps) {
    this.#runId = runId;
    this.#deps = deps;
  }

  /** See {@link EscapeFilter.movedCursor}. */
  get movedCursor(): boolean {
    return this.#filter.movedCursor;
  }

  /** The log has grown to that. */
  advance(availableBytes: number): void {
    this.#availableBytes = Math.max(this.#availableBytes, availableBytes);
    this.#poke();
  }

  /** There will be no more than what the log holds now; `drain` resolves when that has been written. */
  end(): void {
    this.#isFinal = true;
    this.#poke();
  }

  /** Nobody looks any more. */
  stop(): void {
    this.#isStopped = true;
    this.#poke();
  }

  /** Runs until the output has ended and all of it is written, or `stop`. */
  async drain(): Promise<void> {
    for (;;) {
      if (this.#isStopped) return;
      const isLast = this.#isFinal;
      this.#isStale = false;
      if (await this.#writeChunk()) continue;
      if (isLast) return;
      await this.#whenStale();
    }
  }

  /** False at the end of what the log holds. */
  async #writeChunk(): Promise<boolean> {
    this.#skipWhenFarBehind();
    const piece = await this.#deps.readLog(this.#runId, this.#offset, CHUNK_BYTES);
    this.#availableBytes = Math.max(this.#availableBytes, piece.sizeBytes);
    if (piece.nextOffset <= this.#offset || this.#isStopped) return false;
    this.#offset = piece.nextOffset;
    const text = this.#filter.write(piece.data);
    if (text) this.#deps.write(text);
    await this.#deps.nextFrame();
    return true;
  }

  #skipWhenFarBehind(): void {
    const behind = this.#availableBytes - this.#offset;
    if (behind <= MAX_BEHIND_BYTES) return;
    const target = this.#availableBytes - TAIL_BYTES;
    this.#deps.onSkip(target - this.#offset);
    this.#offset = target;
    this.#filter.reset();
  }

  #poke(): void {
    this.#isStale = true;
    this.#wake?.();
  }

  /** Resolves when something was told since the last look at the log, be it during that look. */
  async #whenStale(): Promise<void> {
    if (this.#isStale) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }
}
