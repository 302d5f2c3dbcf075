import type * as vscode from "vscode";
import type { Logger } from "../../core/logger.ts";
import type { KeyStore } from "../account/key-store.ts";
import type { BatchPanels } from "../batch/batch-panels.ts";
import type { Cells } from "../cells/cells.ts";
import type { EngineLink } from "../engine-link.ts";
import type { ReviewFiles } from "../review/review-files.ts";
import type { RunStore } from "../run-store.ts";
import type { RunTerminals } from "../terminal/run-terminals.ts";
import type { UploadView } from "../upload/upload-view.ts";

/** What every command is made from. */
export interface CommandDeps {
  readonly link: EngineLink;
  readonly store: RunStore;
  readonly terminals: RunTerminals;
  readonly reviewFiles: ReviewFiles;
  readonly keys: KeyStore;
  /** Remembers what was last chosen in this workspace. */
  readonly memento: vscode.Memento;
  /** Remembers what was agreed to, in every window. */
  readonly globalMemento: vscode.Memento;
  /** Nobody is there to ask. */
  readonly isUnattended: boolean;
  readonly uploadView: UploadView;
  readonly batchPanels: BatchPanels;
  readonly cells: Cells;
  readonly logger: Logger;
}
