import type { ConnectedEngine } from "../host/engine-client.ts";
import { followRun } from "../sessions/follow-run.ts";
import type { RunRecord } from "../sessions/records.ts";
import type { LogChunk } from "../sessions/run-log-reader.ts";
import type { CliContext } from "./connect.ts";

/** How to follow a run. */
export interface Follower {
  readonly runId: string;
  readonly onChunk: (chunk: LogChunk) => Promise<void>;
  /** Called whenever all output so far has been handed on, before the end. */
  readonly onTaken?: () => Promise<void>;
  /** Called with the new connection when the engine had to be started anew. */
  readonly onReconnect: (engine: ConnectedEngine) => void;
}

/** Hands on every byte of a run's output once, even when the engine crashes meanwhile; resolves with the run's last record. */
export async function followToEnd(context: CliContext, first: ConnectedEngine, follower: Follower): Promise<RunRecord> {
  let offset = 0;
  let engine = first;
  for (;;) {
    const gone = new AbortController();
    void engine.closed.then(() => gone.abort());
    const following = followRun(engine, {
      state: context.state,
      runId: follower.runId,
      fromOffset: offset,
      signal: gone.signal,
      ...(follower.onTaken ? { onTaken: follower.onTaken } : {}),
    });
    try {
      for (let step = await following.next(); ; step = await following.next()) {
        if (step.done && step.value) return step.value;
        if (step.done) break;
        offset = step.value.offset + step.value.data.length;
        await follower.onChunk(step.value);
      }
    } catch (error) {
      if (!gone.signal.aborted) throw error;
    }
    engine = await context.connect();
    follower.onReconnect(engine);
  }
}
