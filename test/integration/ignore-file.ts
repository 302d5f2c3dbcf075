import { deepEqual, equal, ok } from "node:assert/strict";
import * as vscode from "vscode";
import { openNew } from "./editor.ts";

async function complete(document: vscode.TextDocument, at: vscode.Position): Promise<readonly string[]> {
  const list = await vscode.commands.executeCommand<vscode.CompletionList>(
    "vscode.executeCompletionItemProvider",
    document.uri,
    at,
  );
  return list.items.map(({ label }) => (typeof label === "string" ? label : label.label));
}

/** `.sandboxignore` in the editor. */
export function describeIgnoreFile(): void {
  describe(".sandboxignore", () => {
    let document: vscode.TextDocument;

    before(async () => {
      document = await openNew(".sandboxignore", "# what stays here\n\n/data/\n");
    });
    after(async () => {
      await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
      await vscode.workspace.fs.delete(document.uri);
    });

    it("has a language of its own, with comments that can be toggled", async () => {
      equal(document.languageId, "sandboxignore");

      const editor = await vscode.window.showTextDocument(document);
      editor.selection = new vscode.Selection(2, 0, 2, 0);
      await vscode.commands.executeCommand("editor.action.commentLine");
      equal(document.lineAt(2).text, "# /data/");
      await vscode.commands.executeCommand("undo");
      await document.save();
    });

    it("completes folders and files of the workspace, and common patterns", async () => {
      const labels = await complete(document, new vscode.Position(1, 0));

      for (const expected of ["data/", "notes.md", "*.log", "!.env"]) ok(labels.includes(expected), labels.join());
    });

    it("completes what is below the folder that is typed", async () => {
      deepEqual(await complete(document, new vscode.Position(2, "/data/".length)), ["measurements.csv"]);
    });
  });
}
