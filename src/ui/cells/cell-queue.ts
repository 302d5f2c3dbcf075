import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import { Emitter } from "../../core/event.ts";
import type { RunRecord } from "../../sessions/records.ts";
import { outcomeOf } from "../describe-run.ts";
import type { RunInput } from "../run-request.ts";
import { isLive, type RunStore } from "../run-store.ts";
import { rootOf } from "../workspace-folder.ts";

/** What running a cell takes. */
export type CellInput = RunInput & {
  readonly command: { readonly kind: "cell"; readonly path: string; readonly code: string };
};

/** A cell that waits for its turn. */
export interface WaitingCell {
  readonly id: string;
  readonly input: CellInput;
}

/** Starts a run; undefined when the user decides against it. */
export type StartCell = (input: CellInput) => Promise<RunRecord | undefined>;

interface Line {
  readonly cells: WaitingCell[];
  isMoving: boolean;
}

/** The cells of each file that were asked for, one after the other. What comes after one that fails is not run: it may rest on it. */
export class CellQueue implements Disposable {
  readonly #store: RunStore;
  readonly #resources = new DisposableStore();
  readonly #changed = this.#resources.add(new Emitter<void>());
  readonly #lines = new Map<string, Line>();
  #lastId = 0;

  /** What waits is another. */
  readonly onDidChange = this.#changed.event;

  constructor(store: RunStore) {
    this.#store = store;
  }

  /** In order. */
  waiting(workspaceRoot: string, path: string): readonly WaitingCell[] {
    return this.#lines.get(toKey(workspaceRoot, path))?.cells ?? [];
  }

  /** Resolves when these have run, or will not be run. @throws what `start` throws */
  async run(inputs: readonly CellInput[], start: StartCell): Promise<void> {
    const [first] = inputs;
    if (!first) return;
    const key = toKey(rootOf(first.folder), first.command.path);
    const line = this.#lines.get(key) ?? { cells: [], isMoving: false };
    this.#lines.set(key, line);
    line.cells.push(...inputs.map((input) => ({ id: `waiting-${++this.#lastId}`, input })));
    this.#changed.fire();
    if (!line.isMoving) await this.#move(line, start);
  }

  /** Nothing that waits is run. */
  clear(workspaceRoot: string, path: string): void {
    const line = this.#lines.get(toKey(workspaceRoot, path));
    if (!line || line.cells.length === 0) return;
    line.cells.length = 0;
    this.#changed.fire();
  }

  async dispose(): Promise<void> {
    await this.#resources.dispose();
  }

  async #move(line: Line, start: StartCell): Promise<void> {
    line.isMoving = true;
    try {
      for (let [cell] = line.cells; cell; [cell] = line.cells) {
        const run = await start(cell.input);
        // It waits until it is on record, so that it is always drawn once; meanwhile all may have been called off.
        if (line.cells[0] === cell) line.cells.shift();
        this.#changed.fire();
        if (!run || outcomeOf(await this.#whenEnded(run)) !== "succeeded") break;
      }
    } finally {
      line.isMoving = false;
      line.cells.length = 0;
      this.#changed.fire();
    }
  }

  /** Resolves with its last record; one that is no longer on record has ended. */
  async #whenEnded(run: RunRecord): Promise<RunRecord> {
    const current = (): RunRecord => this.#store.run(run.id) ?? { ...run, state: "ended" };
    if (!isLive(current())) return current();
    return await new Promise((resolve) => {
      const subscription = this.#store.onDidChange(() => {
        const now = current();
        if (isLive(now)) return;
        subscription.dispose();
        resolve(now);
      });
    });
  }
}

function toKey(workspaceRoot: string, path: string): string {
  return `${workspaceRoot}\n${path}`;
}
