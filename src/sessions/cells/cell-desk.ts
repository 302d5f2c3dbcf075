import { existsSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { type Call, toCleanupCall } from "../../core/call.ts";
import type { CellProcess, Interpreter } from "../../core/interpreter.ts";
import type { Logger } from "../../core/logger.ts";
import type { Command, Process, Sandbox } from "../../core/sandbox.ts";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import type { Clock } from "../clock.ts";
import type { EngineEvent } from "../engine.ts";
import { createEventLimiter } from "../event-limiter.ts";
import { isGone } from "../end-sandbox.ts";
import type { LiveSession } from "../live-session.ts";
import type { RunCommand, RunRecord, RunRequest } from "../records.ts";
import { toWarmKey } from "../session-key.ts";
import type { RunLogWriter } from "../run-log-writer.ts";
import type { SessionPool } from "../session-pool.ts";
import { type StateFolder, toRunFolder, toSessionFolder } from "../state-folder.ts";
import type { CellContext } from "./cell-context.ts";
import { CellTurns } from "./cell-turns.ts";
import { isCellProcess, recordResults } from "./record-results.ts";
import { toResultsFile } from "./results-file.ts";
import { ContextBook, type KnownContext } from "./context-book.ts";

/** What dealing with contexts needs. */
export interface CellDeskDeps {
  readonly state: StateFolder;
  readonly pool: SessionPool;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly newCall: () => Call;
  readonly onDidChange: (event: EngineEvent) => void;
}

/** What was started, and what people should know of how. */
export interface Started {
  readonly process: Process;
  readonly notes: readonly string[];
}

/** How to wait for a turn. */
export interface TurnOptions {
  readonly signal: AbortSignal;
  /** Called when another cell goes on. */
  readonly onWait: () => void;
}

/** A run whose results are kept. */
export interface CellRun {
  readonly session: LiveSession | undefined;
  readonly record: RunRecord;
  readonly log: Pick<RunLogWriter, "flush">;
}

type CellCommand = Extract<RunCommand, { kind: "cell" }>;

const STATE_LOST = "What earlier cells of this file had computed was lost: this cell began with nothing.";

/** The contexts in which a session's cells keep their state: one per file and language. */
export class CellDesk {
  readonly #deps: CellDeskDeps;
  readonly #turns = new CellTurns();
  readonly #results = createEventLimiter<string, number>((runId, sizeBytes) =>
    this.#deps.onDidChange({ type: "results", runId, sizeBytes }),
  );
  readonly #books = new WeakMap<Sandbox, Promise<ContextBook>>();

  constructor(deps: CellDeskDeps) {
    this.#deps = deps;
  }

  /** Does what a run has to do; cells of one file, in one language and session, go one after the other. */
  async inTurn(request: RunRequest, task: () => Promise<void>, { signal, onWait }: TurnOptions): Promise<void> {
    const { command } = request;
    if (command.kind !== "cell") return await task();
    const name = [toWarmKey(request), command.language, command.path].join("\n");
    const release = await this.#turns.take(name, signal, onWait);
    try {
      await task();
    } finally {
      release();
    }
  }

  /**
   * Starts what a run is to run: a cell in its context, anything else by itself.
   * @throws {SandboxError} `unsupported` where such code cannot keep its state; `not-found` when the sandbox is gone
   */
  async start(session: LiveSession, request: RunRequest, command: Command, call: Call): Promise<Started> {
    if (request.command.kind === "cell") return await this.#startCell(session, request.command, request, call);
    return { process: await session.sandbox.exec(command, call), notes: [] };
  }

  /**
   * Keeps what a cell shows besides its output; resolves at once for what is no cell. Never rejects.
   * @param onNews called with what the run's record has to say of it
   */
  async record(
    process: Process,
    { session, record: { id, command }, log }: CellRun,
    onNews: (patch: Pick<RunRecord, "cellCount">, note?: string) => void,
  ): Promise<void> {
    if (!isCellProcess(process) || command.kind !== "cell") return;
    const { clock, state } = this.#deps;
    const loss = await recordResults(process, toResultsFile(toRunFolder(state, id)), {
      clock,
      onWillWrite: async () => {
        // What was printed before is told before.
        await setImmediate();
        await log.flush();
      },
      onDidGrow: (sizeBytes) => this.#results.fire(id, sizeBytes),
      onCount: (cellCount) => {
        if (session) void this.#noteCount(session, command, cellCount);
        onNews({ cellCount });
      },
    });
    // Whoever hears that a cell has ended may rely on having heard of all that it showed.
    this.#results.flush(id);
    if (loss !== undefined) onNews({}, loss);
  }

  async #noteCount(session: LiveSession, command: CellCommand, count: number): Promise<void> {
    await this.#change(session, (book) => {
      const context = book.find(command);
      if (context) context.count = count;
    });
  }

  async #startCell(
    session: LiveSession,
    command: CellCommand,
    { env, cwd }: Pick<RunRequest, "env" | "cwd">,
    call: Call,
  ): Promise<Started> {
    const interpreter = requireInterpreter(session, command.language);
    const book = await this.#open(session, interpreter, call);
    session.hasContexts = true;
    const run = async (context: KnownContext): Promise<CellProcess> => {
      const { path, code } = command;
      return this.#attend(session, context, await interpreter.run({ contextId: context.id, path, code, env }, call));
    };
    const create = async (): Promise<Started> => {
      const { language } = command;
      const { id } = await interpreter.createContext({ language, ...(cwd === undefined ? {} : { cwd }) }, call);
      const context = book.add(id, command);
      const process = await run(context);
      return { process, notes: book.takeLoss(command) ? [STATE_LOST] : [] };
    };
    const known = book.find(command);
    if (!known) return await create();
    try {
      return { process: await run(known), notes: [] };
    } catch (error) {
      // Whether it is the sandbox that is gone, making another context tells.
      if (!isGone(error)) throw error;
      await this.#lose(session, known);
      return await create();
    }
  }

  async listContexts(sessionId: string): Promise<readonly CellContext[]> {
    const { pool, newCall } = this.#deps;
    const record = pool.find(sessionId);
    if (!record) throw new SandboxError("not-found", "There is no session with that id.");
    if (record.state !== "ready") return [];
    const live = pool.findLive(sessionId);
    const isOpen = live !== undefined && this.#books.has(live.sandbox);
    // What nobody has on record is no reason to look for the sandbox.
    if (!isOpen && !existsSync(this.#toFile(sessionId))) return [];
    const call = newCall();
    const session = await pool.open(sessionId, call);
    const { interpreter } = session.sandbox;
    return interpreter ? (await this.#open(session, interpreter, call)).list() : [];
  }

  async restartContext(sessionId: string, contextId: string): Promise<void> {
    const call = this.#deps.newCall();
    const session = await this.#deps.pool.open(sessionId, call);
    const { interpreter } = session.sandbox;
    const book = interpreter && (await this.#open(session, interpreter, call));
    const context = book?.findById(contextId);
    if (!interpreter || !book || !context) throw new SandboxError("not-found", "The session has no such context.");
    context.restarts += 1;
    await interpreter.restartContext(contextId, call);
    context.count = 0;
    this.#save(book);
  }

  dispose(): void {
    this.#results.dispose();
  }

  // A process whose context is gone with it takes what was computed there along.
  #attend(session: LiveSession, context: KnownContext, process: CellProcess): CellProcess {
    const { restarts } = context;
    const watch = async (): Promise<void> => {
      const { kind } = await process.exit;
      if (kind === "lost" && context.restarts === restarts) await this.#lose(session, context);
    };
    void watch();
    return process;
  }

  async #lose(session: LiveSession, context: KnownContext): Promise<void> {
    await this.#change(session, (book) => book.lose(context));
    // Of what is gone with its sandbox nothing is left to remove.
    await session.sandbox.interpreter
      ?.removeContext(context.id, toCleanupCall(this.#deps.newCall()))
      .catch((error: unknown) => this.#deps.logger.debug(`A lost context is not removed: ${toMessage(error)}`));
  }

  async #change(session: LiveSession, change: (book: ContextBook) => void): Promise<void> {
    const book = await this.#books.get(session.sandbox)?.catch(() => undefined);
    if (!book) return;
    change(book);
    this.#save(book);
  }

  // Nobody waits for that.
  #save(book: ContextBook): void {
    book
      .save()
      .catch((error: unknown) => this.#deps.logger.warn(`The contexts could not be saved: ${toMessage(error)}`));
  }

  // By the sandbox: what a session had in an earlier one has to be looked for in the next.
  async #open({ record, sandbox }: LiveSession, interpreter: Interpreter, call: Call): Promise<ContextBook> {
    const known = this.#books.get(sandbox);
    if (known) return await known;
    const listIds = async (): Promise<string[]> => (await interpreter.listContexts(call)).map(({ id }) => id);
    const opening = ContextBook.open(this.#toFile(record.id), listIds);
    this.#books.set(sandbox, opening);
    opening.catch(() => this.#books.delete(sandbox));
    return await opening;
  }

  #toFile(sessionId: string): string {
    return join(toSessionFolder(this.#deps.state, sessionId), "contexts.json");
  }
}

function requireInterpreter({ sandbox }: LiveSession, language: string): Interpreter {
  const { interpreter } = sandbox;
  if (!interpreter)
    throw new SandboxError("unsupported", "This provider keeps no state of code. Run the file instead.");
  if (interpreter.languages.includes(language)) return interpreter;
  const names = interpreter.languages.join(", ");
  const message = `This provider runs cells of ${names}, not of ${language}. Run the file instead, or choose another provider.`;
  throw new SandboxError("unsupported", message);
}
