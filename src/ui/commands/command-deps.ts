import type * as vscode from "vscode";
import type { Logger } from "../../core/logger.ts";
import type { EngineLink } from "../engine-link.ts";
import type { ReviewFiles } from "../review/review-files.ts";
import type { RunStore } from "../run-store.ts";
import type { RunTerminals } from "../terminal/run-terminals.ts";

/** What every command is made from. */
export interface CommandDeps {
  readonly link: EngineLink;
  readonly store: RunStore;
  readonly terminals: RunTerminals;
  readonly reviewFiles: ReviewFiles;
  /** Remembers what was last chosen in this workspace. */
  readonly memento: vscode.Memento;
  readonly logger: Logger;
}
