import { createDeferred } from "./deferred.ts";
import type { Engine } from "./engine.ts";
import type { RunRecord } from "./records.ts";
import { createRunLogReader, type LogChunk } from "./run-log-reader.ts";
import { type StateFolder, toRunFolder } from "./state-folder.ts";

/** Which run to read, and from where. */
export interface FollowRequest {
  readonly state: StateFolder;
  readonly runId: string;
  readonly fromOffset?: number;
  /** Ends the following, not the run. */
  readonly signal: AbortSignal;
  /** Called whenever all output so far has been taken, before the run's end is told: then what a cell shows has its turn. */
  readonly onTaken?: () => Promise<void>;
}

/**
 * Yields a run's output from the log on disk as it comes, and returns the run's last record once it has ended and every
 * byte was yielded; undefined when the signal ended it. Reads no faster than the caller takes.
 */
export async function* followRun(
  engine: Engine,
  request: FollowRequest,
): AsyncGenerator<LogChunk, RunRecord | undefined> {
  const { runId, signal } = request;
  let news = createDeferred<void>();
  let ended: RunRecord | undefined;
  const wake = (): void => {
    news.resolve();
    news = createDeferred<void>();
  };
  const take = (run: RunRecord | undefined): void => {
    if (run?.id === runId && run.state === "ended") ended = run;
    wake();
  };
  const subscription = engine.onDidChange((event) => {
    if (event.type === "run") take(event.run);
    else if ((event.type === "output" || event.type === "results") && event.runId === runId) wake();
  });
  signal.addEventListener("abort", wake, { once: true });
  const reader = createRunLogReader(toRunFolder(request.state, runId), request.fromOffset);
  try {
    // It may have ended before anybody listened.
    take((await engine.listRuns()).find(({ id }) => id === runId));
    while (!signal.aborted) {
      // Asked for before reading: what comes in between must not be slept through.
      const next = news.promise;
      const last = ended;
      for (let chunk = await reader.next(); chunk && !signal.aborted; chunk = await reader.next()) yield chunk;
      await request.onTaken?.();
      if (last) return last;
      await next;
    }
    return undefined;
  } finally {
    signal.removeEventListener("abort", wake);
    subscription.dispose();
    await reader.close();
  }
}
