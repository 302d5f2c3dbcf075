import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import type { EngineLink } from "../engine-link.ts";
import { withLateProgress } from "../late-progress.ts";
import type { RunInput } from "../run-request.ts";
import type { Upload } from "./consent.ts";
import type { DrawnUpload } from "./drawn-upload.ts";
import type { UploadNode, UploadOrder } from "./upload-tree.ts";

/** What the view shows. */
interface Shown {
  readonly upload: Upload;
  /** The run that waits for the user's yes. */
  readonly pending: RunInput | undefined;
  readonly drawn: DrawnUpload;
}

const VIEW = "sandpiper.upload";

/** What the next push of a folder would send, as a tree. There while it has something to show. */
export class UploadView implements vscode.TreeDataProvider<UploadNode>, Disposable {
  readonly #link: EngineLink;
  readonly #resources = new DisposableStore();
  readonly #changed = this.#resources.add(new vscode.EventEmitter<void>());
  readonly #view: vscode.TreeView<UploadNode>;
  #shown: Shown | undefined;
  #order: UploadOrder = "size";
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(link: EngineLink) {
    this.#link = link;
    this.#view = this.#resources.add(
      vscode.window.createTreeView(VIEW, { treeDataProvider: this, showCollapseAll: true }),
    );
    const rules = this.#resources.add(vscode.workspace.createFileSystemWatcher("**/.{sandboxignore,gitignore}"));
    const reread = (): void => void this.refresh().catch(() => undefined);
    for (const onDid of [rules.onDidCreate, rules.onDidChange, rules.onDidDelete]) this.#resources.add(onDid(reread));
  }

  get upload(): Upload | undefined {
    return this.#shown?.upload;
  }

  get pending(): RunInput | undefined {
    return this.#shown?.pending;
  }

  /** Reads what would be sent and shows it. */
  async show(upload: Upload, pending?: RunInput): Promise<void> {
    const drawn = await withLateProgress(vscode.l10n.t("Looking at what would be sent"), () => this.#read(upload));
    this.#shown = { upload, pending, drawn };
    await vscode.commands.executeCommand("setContext", "sandpiper.hasUploadPreview", true);
    this.#redraw();
    await vscode.commands.executeCommand(`${VIEW}.focus`);
  }

  /** Reads it anew, if it shows something. */
  async refresh(): Promise<void> {
    const shown = this.#shown;
    if (!shown) return;
    const drawn = await this.#read(shown.upload);
    // Another folder may be shown by now.
    if (this.#shown?.upload !== shown.upload) return;
    this.#shown = { ...shown, drawn };
    this.#redraw();
  }

  async sort(order: UploadOrder): Promise<void> {
    this.#order = order;
    await vscode.commands.executeCommand("setContext", "sandpiper.isUploadByName", order === "name");
    this.#changed.fire();
  }

  async close(): Promise<void> {
    this.#shown = undefined;
    this.#changed.fire();
    await vscode.commands.executeCommand("setContext", "sandpiper.hasUploadPreview", false);
  }

  getChildren(node?: UploadNode): UploadNode[] {
    return [...(this.#shown?.drawn.childrenOf(node, this.#order) ?? [])];
  }

  getTreeItem(node: UploadNode): vscode.TreeItem {
    return this.#shown?.drawn.toItem(node) ?? new vscode.TreeItem("");
  }

  async dispose(): Promise<void> {
    await this.#resources.dispose();
  }

  /** Most windows never show it: what it takes is loaded when one does. */
  async #read(upload: Upload): Promise<DrawnUpload> {
    const { drawUpload } = await import("./drawn-upload.ts");
    return await drawUpload(this.#link, upload);
  }

  #redraw(): void {
    if (!this.#shown) return;
    const { upload, drawn } = this.#shown;
    this.#view.description = upload.folder.name;
    this.#view.message = drawn.message;
    this.#changed.fire();
  }
}
