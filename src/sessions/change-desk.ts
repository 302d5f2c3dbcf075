import { stat } from "node:fs/promises";
import { SandboxError } from "../core/sandbox-error.ts";
import { toDisplay } from "../core/workspace-path.ts";
import type { Logger } from "../core/logger.ts";
import type { ObjectStore } from "../snapshots/object-store.ts";
import { isSameEntry } from "../snapshots/manifest.ts";
import { applyChangesToDisk, countChanges, reviewChanges, selectPending } from "./changes.ts";
import type { ApplyResult, PathSelection } from "./engine.ts";
import { createLocks } from "./lock.ts";
import type { Change, ReviewedChange, RunRecord } from "./records.ts";
import type { RunStore } from "./run-store.ts";
import { readSessionFiles, type SessionFiles, writeResend } from "./session-files.ts";
import type { SessionPool } from "./session-pool.ts";
import { type StateFolder, toSessionFolder } from "./state-folder.ts";

/** What deciding changes needs. */
export interface ChangeDeskDeps {
  readonly state: StateFolder;
  readonly store: ObjectStore;
  readonly runs: RunStore;
  readonly pool: SessionPool;
  readonly logger: Logger;
  /** Called with the run's record and the counts that now hold. */
  readonly onDidDecide: (runId: string, counts: NonNullable<RunRecord["changes"]>) => Promise<void>;
}

/** Lets the user decide what becomes of the files that runs changed. One decision per workspace at a time. */
export class ChangeDesk {
  readonly #deps: ChangeDeskDeps;
  readonly #locks = createLocks();

  constructor(deps: ChangeDeskDeps) {
    this.#deps = deps;
  }

  async read(run: RunRecord): Promise<readonly ReviewedChange[]> {
    await checkIsThere(run.workspaceRoot);
    return await reviewChanges(run.workspaceRoot, await this.#deps.runs.readChanges(run.id));
  }

  async apply(run: RunRecord, paths: PathSelection, overwrite: readonly string[]): Promise<ApplyResult> {
    await checkIsThere(run.workspaceRoot);
    const { runs, store } = this.#deps;
    return await this.#locks(run.workspaceRoot)(async () => {
      const changes = await runs.readChanges(run.id);
      const done = new Set<string>();
      const request = { root: run.workspaceRoot, changes, paths, overwrite, store };
      try {
        return await applyChangesToDisk(request, (path) => done.add(path));
      } finally {
        await this.#decide(run.id, changes, { paths: done, decision: "applied" });
      }
    });
  }

  async discard(run: RunRecord, paths: PathSelection): Promise<void> {
    await this.#locks(run.workspaceRoot)(async () => {
      const changes = await this.#deps.runs.readChanges(run.id);
      const discarded = selectPending(changes, paths);
      await this.#decide(run.id, changes, { paths: new Set(discarded.map(({ path }) => path)), decision: "discarded" });
      if (run.sessionId !== undefined) await this.#sendAgain(run.sessionId, discarded);
    });
  }

  async #decide(
    runId: string,
    changes: readonly Change[],
    decided: { paths: ReadonlySet<string>; decision: Change["decision"] },
  ): Promise<void> {
    if (decided.paths.size === 0) return;
    const next = changes.map((change) =>
      decided.paths.has(change.path) ? { ...change, decision: decided.decision } : change,
    );
    await this.#deps.runs.saveChanges(runId, next);
    await this.#deps.onDidDecide(runId, countChanges(next));
  }

  // What a later run made of a file is that run's change, to be decided there.
  async #sendAgain(sessionId: string, discarded: readonly Change[]): Promise<void> {
    const { pool, state } = this.#deps;
    if (pool.find(sessionId)?.state !== "ready") return;
    const folder = toSessionFolder(state, sessionId);
    const live = pool.findLive(sessionId);
    const mark = async (files: SessionFiles): Promise<void> => {
      for (const { path, theirs } of discarded) if (isSameEntry(files.known.get(path), theirs)) files.resend.add(path);
      await writeResend(folder, files);
    };
    if (live) await live.lock(() => mark(live.files));
    else await readSessionFiles(folder).then(mark);
  }
}

// A folder that was renamed or is not mounted at present would be taken for one in which everything was deleted.
async function checkIsThere(root: string): Promise<void> {
  const found = await stat(root).catch(() => undefined);
  if (found?.isDirectory()) return;
  const message = `The workspace ${toDisplay(root)} is not there. Put it back and try again: what the run changed is kept.`;
  throw new SandboxError("unavailable", message);
}
