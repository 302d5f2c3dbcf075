import { type Call, toCleanupCall } from "../core/call.ts";
import type { Logger } from "../core/logger.ts";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import type { Command, Process, TerminalSize } from "../core/sandbox.ts";
import { toIsoTime } from "./clock.ts";
import type { CellDesk } from "./cells/cell-desk.ts";
import type { BatchSource } from "./batch/batch-source.ts";
import { toRunCost } from "./cost/run-cost.ts";
import { toRunFailure } from "./run-failure.ts";
import { countChanges } from "./changes.ts";
import { type LiveSession, takeNews } from "./live-session.ts";
import { withAbort } from "./lock.ts";
import { type PreparedRun, type PrepareDeps, prepareRun } from "./prepare-run.ts";
import { pullFiles, toChanges } from "./pull.ts";
import { toPullDeps } from "./pull-deps.ts";
import type { RunRecord, RunRequest } from "./records.ts";
import { explainKill, explainMissingProgram, toCommand } from "./run-command.ts";
import { patchRun, toPreparedPatch } from "./patch-run.ts";
import { RunInput } from "./run-input.ts";
import { RunLogWriter } from "./run-log-writer.ts";
import { removeExtra } from "./remove-extra.ts";
import { recordOutput } from "./run-output.ts";
import type { RunStore } from "./run-store.ts";
import { isGone } from "./end-sandbox.ts";
import { toRunFolder } from "./state-folder.ts";
import { toMoment } from "./timeline/capture.ts";
import type { Moment } from "./timeline/timeline.ts";
import { createStopper, STOP_STEP_MS, type Stopper } from "./stop.ts";

/** Many sandboxes end at once there. */
const BATCH_CLEANUP_MS = 60_000;

/** What every run is made from. */
export interface RunDeps extends PrepareDeps {
  readonly runs: RunStore;
  readonly cells: CellDesk;
  readonly logger: Logger;
  readonly logCapBytes: number;
  readonly onDidChange: (record: RunRecord) => void;
  readonly onDidGrow: (runId: string, sizeBytes: number) => void;
}

type StopReason = NonNullable<RunRecord["stopReason"]>;

/**
 * One run from asked-for to ended: preparing → running → stopping → collecting → ended, some of them left out. It comes
 * to exactly one end, whatever fails on the way.
 */
export class ActiveRun {
  readonly #deps: RunDeps;
  readonly #request: RunRequest;
  readonly #source: BatchSource | undefined;
  readonly #input = new RunInput();
  // Aborted to give up what is going on before or after the command.
  #phase = new AbortController();
  // Aborted to have the provider kill the command.
  readonly #kill = new AbortController();
  #abandoned: SandboxError | undefined;
  #stopper: Stopper | undefined;
  #session: LiveSession | undefined;
  #log: RunLogWriter | undefined;
  #size: TerminalSize | undefined;
  record: RunRecord;
  /** Never rejects. */
  readonly ended: Promise<void>;

  /** Starts at once; the record is on disk already. @param source of a run that is one of a batch */
  constructor(deps: RunDeps, request: RunRequest, record: RunRecord, source?: BatchSource) {
    this.#deps = deps;
    this.#request = request;
    this.#source = source;
    this.record = record;
    this.#size = request.pty;
    this.ended = this.#run();
  }

  /** Resolves when the command has taken it, or has ended. */
  async write(data: Uint8Array): Promise<void> {
    await this.#input.feed((process) => process.write(data));
  }

  async closeInput(): Promise<void> {
    await this.#input.feed((process) => process.closeStdin());
  }

  async resize(size: TerminalSize): Promise<void> {
    this.#size = size;
    if (this.record.state === "running" || this.record.state === "stopping")
      await (await this.#input.process)?.resize(size);
  }

  /** Ends it, wherever it is; asking again goes one step further. Resolves when it has ended. */
  async stop(force: boolean, reason: StopReason): Promise<void> {
    if (this.record.state === "ended") return;
    if (this.record.stopReason === undefined && this.record.exit === undefined) this.#update({ stopReason: reason });
    if (this.#stopper && this.record.exit === undefined) {
      if (this.record.state === "running") this.#update({ state: "stopping" });
      this.#stopper.stop(force);
    } else {
      this.#phase.abort(new SandboxError("blocked", "The run was stopped."));
    }
    await this.ended;
  }

  /** Says that it ends because of money; whoever says so ends its sandbox. */
  exceed(message: string): void {
    if (this.record.exit === undefined) this.#update({ stopReason: "budget", error: { code: "blocked", message } });
  }

  /** Gives up at once because the engine ends. */
  async abandon(reason: string): Promise<void> {
    const error = new SandboxError("unavailable", reason);
    this.#abandoned = error;
    this.#phase.abort(error);
    this.#kill.abort(error);
    await this.ended;
  }

  async #run(): Promise<void> {
    try {
      // The caller of the constructor is to see the first record before the next.
      await Promise.resolve();
      await this.#deps.cells.inTurn(this.#request, () => this.#runCommand(), {
        signal: this.#phase.signal,
        onWait: () => this.#report("Waiting for the cell before it"),
      });
    } catch (error) {
      this.#fail(error);
    }
    this.#input.connect(undefined);
    await this.#finish();
  }

  async #runCommand(): Promise<void> {
    const { clock, logCapBytes: capBytes } = this.#deps;
    const onDidGrow = (sizeBytes: number): void => this.#deps.onDidGrow(this.record.id, sizeBytes);
    const folder = toRunFolder(this.#deps.state, this.record.id);
    this.#log = await RunLogWriter.create(folder, { clock, capBytes, onDidGrow });
    const command = await toCommand(
      this.#request,
      (id, path) => this.#source?.snapshot.readText(path) ?? this.#deps.timeline.readText(id, path),
    );
    const { prepared, process } = await this.#begin(command);
    const exit = await this.#watch(process, this.#log);
    if (!this.#abandoned) this.#phase = new AbortController();
    this.#update(
      {
        exit,
        exitedAt: toIsoTime(this.#deps.clock),
        state: "collecting",
        ...toRunCost(this.record, prepared.session.record.rate, this.#deps.clock),
      },
      explainMissingProgram(command.argv, exit, this.record.target),
      this.record.stopReason === undefined ? explainKill(exit, this.record.target) : undefined,
      this.#log.loss,
    );
    if (this.#abandoned) throw this.#abandoned;
    const collect = (): Promise<void> => this.#collect(prepared);
    await (this.#source ? this.#source.collect(collect, this.#phase.signal) : collect());
  }

  // A sandbox that has gone since it was last used is no reason to fail: nothing was run in it yet.
  async #begin(command: Command): Promise<{ prepared: PreparedRun; process: Process }> {
    try {
      return await this.#attempt(command);
    } catch (error) {
      const session = this.#session;
      if (!session || !isGone(error)) throw error;
      session.runIds.delete(this.record.id);
      this.#session = undefined;
      // One that was paused at that moment is resumed.
      const isPaused = await this.#deps.pool.settleGone(session.record, "Its sandbox has ended.");
      if (!isPaused) this.#update({}, "The session's sandbox was gone, so a new one was started.");
      return await this.#attempt(command);
    }
  }

  async #attempt(command: Command): Promise<{ prepared: PreparedRun; process: Process }> {
    const request = {
      run: this.#request,
      runId: this.record.id,
      source: this.#source,
      progress: (message: string) => this.#report(message),
      onDidAcquire: (session: LiveSession) => {
        this.#session = session;
      },
    };
    const prepared = await prepareRun(this.#deps, request, this.#call());
    this.#update(toPreparedPatch(prepared), ...prepared.notes);
    // The terminal may have got another size meanwhile.
    const size = command.pty && this.#size ? { pty: this.#size } : {};
    const process = await this.#start(prepared.session, { ...command, ...size });
    this.#note(prepared.moment);
    return { prepared, process };
  }

  async #start(session: LiveSession, command: Command): Promise<Process> {
    this.#phase.signal.throwIfAborted();
    // Stopped before the command is ours to signal: the provider kills it.
    const onAbort = (): void => this.#kill.abort(this.#phase.signal.reason);
    this.#phase.signal.addEventListener("abort", onAbort);
    try {
      session.files.isUnchecked = true;
      const call = { ...this.#call(), signal: this.#kill.signal };
      const { process, notes } = await this.#deps.cells.start(session, this.#request, command, call);
      this.#update({}, ...notes);
      void this.#deps.pool.saveFiles(session);
      return process;
    } finally {
      this.#phase.signal.removeEventListener("abort", onAbort);
    }
  }

  async #watch(process: Process, log: RunLogWriter): Promise<NonNullable<RunRecord["exit"]>> {
    const { clock, logger } = this.#deps;
    this.#stopper = createStopper(process, clock, () =>
      this.#kill.abort(new SandboxError("unavailable", "The command could not be stopped.")),
    );
    this.#update({ state: "running", startedAt: toIsoTime(clock) });
    this.#input.connect(process);
    const { timeoutMs } = this.#request;
    const timer = timeoutMs > 0 ? clock.after(timeoutMs, () => void this.stop(false, "timeout")) : undefined;
    try {
      const run = { session: this.#session, record: this.record, log };
      const results = this.#deps.cells.record(process, run, (...news) => this.#update(...news));
      const output = recordOutput(process, log, clock, logger);
      return await Promise.race([results.then(() => output), this.#givenUp()]);
    } finally {
      timer?.dispose();
      this.#stopper = undefined;
    }
  }

  // A provider has 2 s to kill what was aborted; a command that outlives that takes its sandbox with it.
  #givenUp(): Promise<NonNullable<RunRecord["exit"]>> {
    return new Promise((resolve) => {
      this.#kill.signal.addEventListener("abort", () => {
        this.#deps.clock.after(2 * STOP_STEP_MS, () => {
          resolve({ kind: "lost", reason: "It could not be stopped, so its sandbox was given up." });
        });
      });
    });
  }

  async #collect(prepared: PreparedRun): Promise<void> {
    const { session } = prepared;
    const { pool, runs } = this.#deps;
    if (this.record.exit?.kind === "lost" && !(await this.#hasOutlivedItsCommand(session))) return;
    if (this.#request.pull) {
      this.#report("Looking for changed files");
      await withAbort(
        session.lock(() => this.#pull(session), this.#phase.signal),
        this.#phase.signal,
      ).catch((error: unknown) => this.#fail(error, "Files could not be brought back"));
      const changes = await toChanges(prepared.before, session.files, this.#deps.store);
      if (changes.length > 0) await runs.saveChanges(this.record.id, changes);
      this.#update({ changes: countChanges(changes) });
    }
    if (this.#source) return await this.#endDetached();
    const { command } = this.#request;
    if (command.kind === "code") await removeExtra(session, command.path, toCleanupCall(this.#call()));
    // What is not on disk would be offered twice if the engine died.
    await pool.saveFiles(session);
  }

  async #pull(session: LiveSession): Promise<void> {
    const notes = await pullFiles(
      session.sandbox,
      session.files,
      toPullDeps(this.#deps.store, this.#request, session),
      this.#call(),
    );
    if (session.runIds.size <= 1) session.files.isUnchecked = session.hasContexts;
    this.#note(toMoment(session, { cause: "exit", runId: this.record.id }));
    this.#update({}, ...takeNews(session, notes));
  }

  // A thousand sandboxes of a batch would push everything else off the timeline.
  #note(moment: Moment): void {
    if (!this.#source) this.#deps.timeline.note(moment);
  }

  // What ended the command (a limit, or the command itself) may have left the sandbox, and what is in it, alone.
  async #hasOutlivedItsCommand(session: LiveSession): Promise<boolean> {
    const { pool } = this.#deps;
    const call = toCleanupCall(this.#call());
    if (!this.#kill.signal.aborted) await pool.verify(session, call);
    const isThere = pool.find(session.record.id)?.state === "ready";
    if (isThere && !this.#kill.signal.aborted) return true;
    if (this.record.stopReason !== "budget")
      this.#update({}, "The sandbox was lost, so files that the run changed could not be brought back.");
    if (this.#kill.signal.aborted) await this.#destroy(session, call);
    return false;
  }

  // Nobody else uses the sandbox of a run on a snapshot.
  async #endDetached(): Promise<void> {
    const session = this.#session;
    // An engine that ends leaves the sandbox to the next one; a batch's are too many for that.
    if (session?.record.isDetached !== true || (this.#abandoned && !this.#source)) return;
    this.#session = undefined;
    if (!this.#deps.pool.find(session.record.id)) return;
    await this.#destroy(session, toCleanupCall(this.#call(), this.#source ? BATCH_CLEANUP_MS : undefined));
  }

  async #destroy({ record }: LiveSession, call: Call): Promise<void> {
    await this.#deps.pool
      .destroy(record.id, call)
      .catch((error: unknown) => this.#update({}, `The sandbox could not be destroyed: ${toMessage(error)}`));
  }

  #fail(error: unknown, what?: string): void {
    if (!this.#isTold) this.#update(toRunFailure(error, what, this.#deps.logger));
  }

  // What a stop or a budget brings about was said with it.
  get #isTold(): boolean {
    const { stopReason, exit } = this.record;
    return stopReason === "budget" || (this.#phase.signal.aborted && stopReason !== undefined && exit === undefined);
  }

  async #finish(): Promise<void> {
    this.#session?.runIds.delete(this.record.id);
    await this.#endDetached();
    await this.#log
      ?.close()
      .catch((error: unknown) => this.#deps.logger.warn(`A run's log could not be closed: ${toMessage(error)}`));
    const { progress: _progress, ...rest } = this.record;
    this.record = { ...rest, state: "ended", endedAt: toIsoTime(this.#deps.clock) };
    await this.#deps.runs.save(this.record);
    this.#deps.onDidChange(this.record);
    // Nobody waits for that but the next push.
    if (this.#session) this.#deps.native.noteExit(this.#session);
  }

  #call(): Call {
    return { signal: this.#phase.signal, logger: this.#deps.logger };
  }

  // Too short-lived for the disk.
  #report(progress: string): void {
    this.record = { ...this.record, progress };
    this.#deps.onDidChange(this.record);
  }

  #update(patch: Partial<RunRecord>, ...notes: readonly (string | undefined)[]): void {
    const next = patchRun(this.record, patch, notes);
    if (next === this.record) return;
    this.record = next;
    void this.#deps.runs.save(this.record);
    this.#deps.onDidChange(this.record);
  }
}
