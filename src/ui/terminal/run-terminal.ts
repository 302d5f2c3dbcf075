import * as vscode from "vscode";
import { DisposableStore } from "../../core/disposable-store.ts";
import type { Logger } from "../../core/logger.ts";
import { toMessage } from "../../core/sandbox-error.ts";
import type { Engine } from "../../sessions/engine.ts";
import type { RunRecord } from "../../sessions/records.ts";
import { outcomeOf, titleOf } from "../describe-run.ts";
import { isLive } from "../run-store.ts";
import { OutputPump, type ReadLog } from "./output-pump.ts";
import { clearProgressLine, endLines, headerLine, progressLine, skipLine } from "./screen-lines.ts";

/** What a run's terminal talks to. */
export interface RunTerminalDeps {
  readonly getEngine: () => Promise<Engine>;
  readonly readLog: ReadLog;
  readonly nextFrame: () => Promise<void>;
  readonly logger: Logger;
  readonly onDidResize: (size: vscode.TerminalDimensions) => void;
}

const CTRL_C = "\u0003";

/**
 * The terminal of a run, or of one run after the other. Output comes from the run log, from its start, whether the run goes
 * on or has long ended; closing the terminal leaves the run going unless it is a shell.
 */
export class RunTerminal implements vscode.Pseudoterminal {
  readonly #deps: RunTerminalDeps;
  readonly #resources = new DisposableStore();
  readonly #written = this.#resources.add(new vscode.EventEmitter<string>());
  readonly #closed = this.#resources.add(new vscode.EventEmitter<number | void>());
  readonly #renamed = this.#resources.add(new vscode.EventEmitter<string>());
  #run: RunRecord;
  #pump: OutputPump | undefined;
  #isOpen = false;
  #hasProgress = false;
  #hasOutput = false;
  #hasDrawnEnd = false;
  #skippedBytes = 0;
  #inputQueue: Promise<void> = Promise.resolve();

  readonly onDidWrite = this.#written.event;
  readonly onDidClose = this.#closed.event;
  readonly onDidChangeName = this.#renamed.event;

  constructor(run: RunRecord, deps: RunTerminalDeps) {
    this.#run = run;
    this.#deps = deps;
  }

  get run(): RunRecord {
    return this.#run;
  }

  /** Whether this terminal has shown the end of its run, and can take another one. */
  get isDone(): boolean {
    return this.#hasDrawnEnd;
  }

  open(size: vscode.TerminalDimensions | undefined): void {
    this.#isOpen = true;
    this.#begin();
    if (size) this.setDimensions(size);
  }

  close(): void {
    this.#pump?.stop();
    if (this.#run.command.kind === "shell" && isLive(this.#run)) this.#stop(true);
    void this.#resources.dispose();
  }

  /** Shows another run below what is there. */
  show(run: RunRecord): void {
    this.#run = run;
    this.#pump?.stop();
    if (!this.#isOpen) return;
    this.#written.fire("\r\n");
    this.#begin();
  }

  /** Takes a newer record of its run. */
  update(run: RunRecord): void {
    this.#run = run;
    if (!this.#isOpen || this.#hasDrawnEnd) return;
    this.#drawProgress();
    this.#pump?.advance(0);
    if (!isLive(run)) this.#pump?.end();
  }

  /** The run's log has grown to that. */
  advance(sizeBytes: number): void {
    this.#pump?.advance(sizeBytes);
  }

  handleInput(data: string): void {
    if (!isLive(this.#run)) return;
    // A command that has not started, or has no terminal of its own, cannot be told by a key.
    const isDeaf = this.#run.state === "preparing" || !this.#run.hasPty;
    if (data === CTRL_C && isDeaf) return this.#stop(false);
    const { id } = this.#run;
    this.#inputQueue = this.#inputQueue.then(() =>
      this.#tell((engine) => engine.writeInput(id, Buffer.from(data, "utf8"))),
    );
  }

  setDimensions(size: vscode.TerminalDimensions): void {
    this.#deps.onDidResize(size);
    if (!isLive(this.#run) || !this.#run.hasPty) return;
    const { id } = this.#run;
    void this.#tell((engine) => engine.resizeRun(id, size));
  }

  #begin(): void {
    this.#hasDrawnEnd = false;
    this.#hasOutput = false;
    this.#hasProgress = false;
    this.#skippedBytes = 0;
    this.#written.fire(headerLine(this.#run));
    this.#drawName();
    this.#drawProgress();
    const run = this.#run;
    const pump = new OutputPump(run.id, {
      readLog: this.#deps.readLog,
      nextFrame: this.#deps.nextFrame,
      write: (text) => this.#writeOutput(text),
      onSkip: (bytes) => {
        this.#skippedBytes += bytes;
        this.#writeOutput(skipLine(bytes));
      },
    });
    this.#pump = pump;
    if (!isLive(run)) pump.end();
    void this.#drain(pump);
  }

  async #drain(pump: OutputPump): Promise<void> {
    try {
      await pump.drain();
    } catch (error) {
      this.#deps.logger.error(`The log of the run ${this.#run.id} cannot be read: ${toMessage(error)}`);
      this.#writeOutput(`\r\n${toMessage(error)}\r\n`);
    }
    if (this.#pump === pump && !isLive(this.#run)) this.#drawEnd(pump);
  }

  #drawEnd(pump: OutputPump): void {
    if (this.#hasDrawnEnd) return;
    this.#hasDrawnEnd = true;
    this.#written.fire(
      endLines(this.#run, {
        hadOutput: this.#hasOutput,
        movedCursor: pump.movedCursor,
        skippedBytes: this.#skippedBytes,
      }),
    );
    this.#drawName();
    // A shell that was left by its user closes as terminals do.
    if (this.#run.command.kind === "shell" && this.#run.exit?.kind === "exited") this.#closed.fire();
  }

  #writeOutput(text: string): void {
    this.#eraseProgress();
    this.#hasOutput = true;
    this.#written.fire(this.#run.hasPty ? text : text.replace(/\r?\n/g, "\r\n"));
  }

  #drawProgress(): void {
    if (this.#run.state !== "preparing") return this.#eraseProgress();
    if (!this.#run.progress || this.#hasOutput) return;
    this.#hasProgress = true;
    this.#written.fire(progressLine(this.#run.progress));
  }

  #eraseProgress(): void {
    if (this.#hasProgress) this.#written.fire(clearProgressLine());
    this.#hasProgress = false;
  }

  #drawName(): void {
    this.#renamed.fire(terminalName(this.#run));
  }

  #stop(force: boolean): void {
    const { id } = this.#run;
    void this.#tell((engine) => engine.stopRun(id, force));
  }

  async #tell(say: (engine: Engine) => Promise<void>): Promise<void> {
    try {
      await say(await this.#deps.getEngine());
    } catch (error) {
      this.#deps.logger.warn(`The run ${this.#run.id} could not be told: ${toMessage(error)}`);
    }
  }
}

/** The tab's title: a mark for how it goes, which output has no hand in, and what it is. */
export function terminalName(run: RunRecord): string {
  if (run.command.kind === "shell") return titleOf(run);
  const mark = { live: "▷", succeeded: "✓", failed: "✗", stopped: "■" }[outcomeOf(run)];
  return `${mark} ${titleOf(run)}`;
}
