import { createHash } from "node:crypto";
import { join } from "node:path";
import type * as vscode from "vscode";

/** Where the mirror of a folder is: the same in every window. */
export function toMirrorRoot(mirrors: string, source: vscode.Uri): string {
  const name = source.path.slice(source.path.lastIndexOf("/") + 1).replaceAll(/[^\w.-]/g, "_");
  const hash = createHash("sha256").update(source.toString()).digest("hex").slice(0, 16);
  // The last part is what people see as the folder's name.
  return join(mirrors, hash, name === "" ? "folder" : name);
}
