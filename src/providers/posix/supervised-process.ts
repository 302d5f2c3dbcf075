import { Readable } from "node:stream";
import type { ExitStatus, Process, ProcessSignal, TerminalSize } from "../../core/sandbox.ts";
import { TrailerFilter } from "./trailer-filter.ts";

/** What a provider has once it has started a supervised command. */
export interface SupervisedChannel {
  readonly nonce: string;
  readonly stdout: AsyncIterable<Uint8Array>;
  /** Left out with a terminal. */
  readonly stderr?: AsyncIterable<Uint8Array>;
  write(data: Uint8Array): Promise<void>;
  closeStdin(): Promise<void>;
  signal(name: ProcessSignal): Promise<void>;
  resize(size: TerminalSize): Promise<void>;
  /** What we did to the command ourselves may matter more than what its watcher made of it. */
  overrule?(status: ExitStatus): ExitStatus;
  /** How to tell the end when the streams end, or fail, without a trailer. */
  whenLost(): ExitStatus | Promise<ExitStatus>;
  /** Called once the end is known: frees what the provider holds. `exit` waits for it. */
  release(): void | Promise<void>;
}

/** Bytes of output taken in ahead of the reader, so that short commands end although nobody reads them. */
const READ_AHEAD_BYTES = 256 * 1024;

/** Makes a {@link Process} of a supervised command: strips the trailers, tells the end, keeps late calls harmless. */
export function toProcess(channel: SupervisedChannel): Process {
  const out = relay(channel.stdout, new TrailerFilter(channel.nonce));
  const err = channel.stderr ? relay(channel.stderr, new TrailerFilter(channel.nonce)) : undefined;
  let ended = false;
  const settle = async (): Promise<ExitStatus> => {
    const statuses = await Promise.all([out.done, err?.done]);
    ended = true;
    const told = statuses[0] ?? statuses[1];
    const status = told ? (channel.overrule?.(told) ?? told) : await whyLost(channel);
    await Promise.resolve(channel.release()).catch(() => {});
    return status;
  };
  const unlessEnded = async (act: () => Promise<void>): Promise<void> => {
    if (ended) return;
    try {
      await act();
    } catch (error) {
      // Losing the race against the end is not an error.
      if (!ended) throw error;
    }
  };
  return {
    stdout: out.stream,
    stderr: err?.stream ?? Readable.from([]),
    write: (data) => unlessEnded(() => channel.write(data)),
    closeStdin: () => unlessEnded(() => channel.closeStdin()),
    signal: (name) => unlessEnded(() => channel.signal(name)),
    resize: (size) => unlessEnded(() => channel.resize(size)),
    exit: settle(),
  };
}

async function whyLost(channel: SupervisedChannel): Promise<ExitStatus> {
  try {
    return await channel.whenLost();
  } catch (error) {
    return { kind: "lost", reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Filters `source` into a stream with back-pressure. A reader that stops early does not stop the command. */
function relay(
  source: AsyncIterable<Uint8Array>,
  filter: TrailerFilter,
): { stream: Readable; done: Promise<ExitStatus | undefined> } {
  let wake: (() => void) | undefined;
  const resume = (): void => wake?.();
  const stream = new Readable({ highWaterMark: READ_AHEAD_BYTES, read: resume });
  stream.on("close", resume);
  const push = async (bytes: Uint8Array): Promise<void> => {
    if (bytes.length === 0 || stream.destroyed || stream.push(bytes)) return;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  };
  const pump = async (): Promise<ExitStatus | undefined> => {
    try {
      for await (const chunk of source) {
        await push(filter.push(chunk));
        if (filter.status) break;
      }
    } catch {
      // A cut connection: what has arrived is still the command's.
    }
    await push(filter.end());
    if (!stream.destroyed) stream.push(null);
    return filter.status;
  };
  return { stream, done: pump() };
}
