import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../core/disposable-store.ts";
import type { EngineLink } from "../engine-link.ts";
import { withLateProgress } from "../late-progress.ts";
import type { RunInput } from "../run-request.ts";
import { choiceOf } from "../target.ts";
import { readPreview, type Upload } from "./consent.ts";
import { describeAmount } from "./describe-upload.ts";
import { toUploadItem } from "./upload-item.ts";
import { type UploadNode, type UploadOrder, UploadTree } from "./upload-tree.ts";

/** What the view shows. */
interface Shown {
  readonly upload: Upload;
  /** The run that waits for the user's yes. */
  readonly pending: RunInput | undefined;
  readonly tree: UploadTree;
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
    const preview = await withLateProgress(vscode.l10n.t("Looking at what would be sent"), () =>
      readPreview(this.#link, upload),
    );
    this.#shown = { upload, pending, tree: new UploadTree(preview) };
    await vscode.commands.executeCommand("setContext", "sandpiper.hasUploadPreview", true);
    this.#redraw();
    await vscode.commands.executeCommand(`${VIEW}.focus`);
  }

  /** Reads it anew, if it shows something. */
  async refresh(): Promise<void> {
    const shown = this.#shown;
    if (!shown) return;
    const preview = await readPreview(this.#link, shown.upload);
    // Another folder may be shown by now.
    if (this.#shown?.upload !== shown.upload) return;
    this.#shown = { ...shown, tree: new UploadTree(preview) };
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
    return [...(this.#shown?.tree.childrenOf(node, this.#order) ?? [])];
  }

  getTreeItem(node: UploadNode): vscode.TreeItem {
    const folder = this.#shown?.upload.folder.uri;
    return folder ? toUploadItem(node, folder) : new vscode.TreeItem("");
  }

  async dispose(): Promise<void> {
    await this.#resources.dispose();
  }

  #redraw(): void {
    if (!this.#shown) return;
    const { upload, tree } = this.#shown;
    const { files, totalBytes, sentCount, sentBytes } = tree.preview;
    this.#view.description = upload.folder.name;
    const to = choiceOf(upload.target).label;
    const amount = describeAmount(files.length, totalBytes);
    this.#view.message =
      sentCount < files.length
        ? vscode.l10n.t("{0} for {1}, of which {2} are not there yet", amount, to, describeAmount(sentCount, sentBytes))
        : vscode.l10n.t("{0} for {1}", amount, to);
    this.#changed.fire();
  }
}
