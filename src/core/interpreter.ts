import type { Call } from "./call.ts";
import type { Process } from "./sandbox.ts";

/** A place where code keeps its state from one cell to the next: a kernel. */
export interface CodeContext {
  /** The provider's own. */
  readonly id: string;
  /** One of {@link Interpreter.languages}. */
  readonly language: string;
}

/** Code to run in a context. */
export interface Cell {
  readonly contextId: string;
  readonly code: string;
  /** The file that it stands in, relative to the workspace, POSIX: what errors call it, where an interpreter can. */
  readonly path?: string;
  /** For this cell alone, on top of the sandbox's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * One thing that a cell shows besides its output, in the order in which it was shown. `data` holds the same thing in
 * several forms by MIME type, as Jupyter's `display_data` does
 * (https://jupyter-client.readthedocs.io/en/stable/messaging.html#display-data): text, SVG and JSON as text, everything
 * else as base64.
 */
export type CellOutput =
  | {
      readonly kind: "result";
      readonly data: Readonly<Record<string, string>>;
      /** The value of the cell's last expression. */
      readonly isMain: boolean;
    }
  /** The code raised. `traceback` is text for people, with line breaks, without colours. */
  | { readonly kind: "error"; readonly name: string; readonly value: string; readonly traceback: string }
  /** How many cells the context has run, with this one. */
  | { readonly kind: "count"; readonly count: number };

/**
 * A cell that runs. It is a process whose stdin is closed and that has no terminal (`write` and `resize` do nothing);
 * `signal("INT")` interrupts the code and keeps the context, the other signals may end the context too. `exit` is code 0,
 * or 1 when the code raised; `lost` when the context is gone. What it raised is both in `outputs` and, as text, on stderr.
 */
export interface CellProcess extends Process {
  /** Has to be read, as the streams have; ends with them. Single-use. */
  readonly outputs: AsyncIterable<CellOutput>;
}

/** Runs code that keeps its state. Every method may throw `SandboxError`; `not-found` when sandbox or context is gone. */
export interface Interpreter {
  /** What it can run, as editors name languages: "python", "javascript", "r"… */
  readonly languages: readonly string[];
  /** @param options `cwd` is relative to the workspace, POSIX */
  createContext(options: { readonly language: string; readonly cwd?: string }, call: Call): Promise<CodeContext>;
  listContexts(call: Call): Promise<readonly CodeContext[]>;
  /** Forgets its state; the id stays. A cell that runs in it ends as `lost`. */
  restartContext(id: string, call: Call): Promise<void>;
  /** Idempotent. */
  removeContext(id: string, call: Call): Promise<void>;
  /** Cells of one context run one after the other. `call.signal` governs the cell's whole life, as `Sandbox.exec` says. */
  run(cell: Cell, call: Call): Promise<CellProcess>;
}

/** A table: JSON `{columns: string[], rows: unknown[][], rowCount: number}`; `rows` may be only the first of `rowCount`. */
export const TABLE_MIME = "application/vnd.sandpiper.table+json";

/**
 * A chart as E2B describes it: JSON `{type: "line"|"scatter"|"bar"|"pie"|"box_and_whisker"|"superchart"|"unknown", title,
 * elements, …}`, see https://e2b.dev/docs/code-interpreting/analyze-data-with-ai/pre-installed-libraries.
 */
export const CHART_MIME = "application/vnd.e2b.chart+json";
