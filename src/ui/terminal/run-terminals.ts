import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import type { Logger } from "../../core/logger.ts";
import type { TerminalSize } from "../../core/sandbox.ts";
import type { RunRecord } from "../../sessions/records.ts";
import type { EngineLink } from "../engine-link.ts";
import { isLive, type RunStore } from "../run-store.ts";
import type { ReadLog } from "./output-pump.ts";
import type { RunTerminal, terminalName } from "./run-terminal.ts";

/** What the terminals are made from. */
export interface RunTerminalsDeps {
  readonly link: EngineLink;
  readonly store: RunStore;
  readonly readLog: ReadLog;
  readonly logger: Logger;
}

interface Shown {
  readonly terminal: vscode.Terminal;
  readonly pty: RunTerminal;
}

/** What draws terminals. */
interface Drawing {
  readonly RunTerminal: new (...args: ConstructorParameters<typeof RunTerminal>) => RunTerminal;
  readonly terminalName: typeof terminalName;
}

const FRAME_MS = 16;

/** The window's run terminals: one per run; a run of the same thing takes over the terminal of one that has ended. */
export class RunTerminals implements Disposable {
  readonly #deps: RunTerminalsDeps;
  readonly #resources = new DisposableStore();
  readonly #shown = new Set<Shown>();
  #size: TerminalSize = { columns: 80, rows: 24 };

  constructor(deps: RunTerminalsDeps) {
    this.#deps = deps;
    this.#resources.add(
      deps.store.onDidChange((run) => (run ? this.#ofRun(run.id)?.pty.update(run) : this.#catchUp())),
    );
    this.#resources.add(deps.store.batches.onDidChange(() => this.#catchUp()));
    this.#resources.add(deps.store.onDidAdvance((output) => this.#ofRun(output.runId)?.pty.advance(output.sizeBytes)));
    this.#resources.add(vscode.window.onDidCloseTerminal((terminal) => this.#forget(terminal)));
  }

  /** The size that the next terminal will most likely have. */
  get size(): TerminalSize {
    return this.#size;
  }

  /** Brings the run's terminal to the front, made and replayed from the log when there is none. */
  async show(run: RunRecord, preserveFocus: boolean): Promise<void> {
    // What draws terminals is loaded with the first of them.
    const drawing = await import("./run-terminal.ts");
    const shown = this.#ofRun(run.id) ?? this.#takeOver(run) ?? this.#create(run, drawing);
    shown.terminal.show(preserveFocus);
  }

  /** Gives every run of these folders that this editor started and that goes on its terminal back, as after a reload. */
  async restore(workspaceRoots: readonly string[]): Promise<void> {
    for (const run of this.#deps.store.runs) {
      // Cells have no terminals.
      const isOurs =
        run.origin === "editor" && run.command.kind !== "cell" && workspaceRoots.includes(run.workspaceRoot);
      if (isOurs && isLive(run) && !this.#ofRun(run.id)) await this.show(run, true);
    }
  }

  /** The run that the terminal shows; undefined when it is not one of ours. */
  runOf(terminal: vscode.Terminal | undefined): RunRecord | undefined {
    return [...this.#shown].find((shown) => shown.terminal === terminal)?.pty.run;
  }

  async dispose(): Promise<void> {
    await this.#resources.dispose();
  }

  /** Shows what has become of the runs since they were last told of. */
  #catchUp(): void {
    for (const { pty } of this.#shown) {
      const run = this.#deps.store.run(pty.run.id);
      if (run && run !== pty.run) pty.update(run);
    }
  }

  #ofRun(runId: string): Shown | undefined {
    return [...this.#shown].find((shown) => shown.pty.run.id === runId);
  }

  #takeOver(run: RunRecord): Shown | undefined {
    const free = [...this.#shown].find(
      ({ pty }) => pty.isDone && pty.run.title === run.title && pty.run.workspaceRoot === run.workspaceRoot,
    );
    free?.pty.show(run);
    return free;
  }

  #create(run: RunRecord, drawing: Drawing): Shown {
    const pty = new drawing.RunTerminal(run, {
      getEngine: () => this.#deps.link.get(),
      readLog: this.#deps.readLog,
      nextFrame: () => new Promise((resolve) => setTimeout(resolve, FRAME_MS)),
      logger: this.#deps.logger,
      onDidResize: ({ columns, rows }) => {
        this.#size = { columns, rows };
      },
    });
    const terminal = vscode.window.createTerminal({
      name: drawing.terminalName(run),
      pty,
      iconPath: new vscode.ThemeIcon(run.command.kind === "shell" ? "terminal" : "beaker"),
      isTransient: true,
    });
    const shown = { terminal, pty };
    this.#shown.add(shown);
    return shown;
  }

  #forget(terminal: vscode.Terminal): void {
    for (const shown of this.#shown) if (shown.terminal === terminal) this.#shown.delete(shown);
  }
}
