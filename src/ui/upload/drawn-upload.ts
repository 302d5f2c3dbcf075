import * as vscode from "vscode";
import type { EngineLink } from "../engine-link.ts";
import { choiceOf } from "../target.ts";
import { readPreview, type Upload } from "./consent.ts";
import { describeAmount } from "./describe-upload.ts";
import { toUploadItem } from "./upload-item.ts";
import { type UploadNode, type UploadOrder, UploadTree } from "./upload-tree.ts";

/** What the view shows of one upload. */
export interface DrawnUpload {
  /** How much goes where. */
  readonly message: string;
  childrenOf(node: UploadNode | undefined, order: UploadOrder): readonly UploadNode[];
  toItem(node: UploadNode): vscode.TreeItem;
}

/** Reads what would be sent now, as the view shows it. @throws {SandboxError} */
export async function drawUpload(link: EngineLink, upload: Upload): Promise<DrawnUpload> {
  const tree = new UploadTree(await readPreview(link, upload));
  return {
    message: describe(upload, tree),
    childrenOf: (node, order) => tree.childrenOf(node, order),
    toItem: (node) => toUploadItem(node, upload.folder.uri),
  };
}

function describe({ target }: Upload, { preview }: UploadTree): string {
  const { files, totalBytes, sentCount, sentBytes } = preview;
  const to = choiceOf(target).label;
  const amount = describeAmount(files.length, totalBytes);
  return sentCount < files.length
    ? vscode.l10n.t("{0} for {1}, of which {2} are not there yet", amount, to, describeAmount(sentCount, sentBytes))
    : vscode.l10n.t("{0} for {1}", amount, to);
}
