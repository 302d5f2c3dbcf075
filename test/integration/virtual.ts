import { equal, ok } from "node:assert/strict";
import * as vscode from "vscode";
import type { RunRecord } from "../../src/sessions/records.ts";
import { startRun, untilEnded } from "./editor.ts";
import { MemoryFiles } from "./memory-files.ts";

const FOLDER = vscode.Uri.from({ scheme: "memfs", path: "/virtual" });
const SCRIPT = `
text = open("pkg/input.txt").read()
open("pkg/input.txt", "w").write(text.upper())
open("made.txt", "w").write("made of " + text)
`;

function at(path: string): vscode.Uri {
  return vscode.Uri.joinPath(FOLDER, path);
}

/** A folder that is on no disk. */
export function describeVirtualFolders(): void {
  describe("a folder that only a file system provider knows", () => {
    const files = new MemoryFiles();
    let registration: vscode.Disposable;
    let run: RunRecord;

    const write = (path: string, text: string): void => files.writeFile(at(path), Buffer.from(text));
    const read = (path: string): string => Buffer.from(files.readFile(at(path))).toString();

    before(async () => {
      registration = vscode.workspace.registerFileSystemProvider("memfs", files, { isCaseSensitive: true });
      write("main.py", SCRIPT);
      write("pkg/input.txt", "input");
      await changeFolders(() => vscode.workspace.updateWorkspaceFolders(1, 0, { uri: FOLDER, name: "virtual" }));
      await vscode.window.showTextDocument(at("main.py"), { preview: false });
    });
    after(async () => {
      await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
      await changeFolders(() => vscode.workspace.updateWorkspaceFolders(1, 1));
      registration.dispose();
    });

    it("is run as it is, and left alone", async () => {
      run = await startRun("sandpiper.runFile", at("main.py"));
      const result = await untilEnded(at("main.py"));

      ok(result.startsWith("$(check)"), result);
      equal(read("pkg/input.txt"), "input");
    });

    it("gets what the run changed once it is applied", async () => {
      await vscode.commands.executeCommand("sandpiper.applyChanges", run.id);

      equal(read("made.txt"), "made of input");
      equal(read("pkg/input.txt"), "INPUT");
    });

    it("is run anew with what has changed in it since", async () => {
      write("pkg/input.txt", "other");
      run = await startRun("sandpiper.runFile", at("main.py"));
      await untilEnded(at("main.py"));
      await vscode.commands.executeCommand("sandpiper.applyChanges", run.id);

      equal(read("made.txt"), "made of other");
    });
  });
}

async function changeFolders(change: () => boolean): Promise<void> {
  const changed = new Promise<void>((resolve) => {
    const subscription = vscode.workspace.onDidChangeWorkspaceFolders(() => {
      subscription.dispose();
      resolve();
    });
  });
  ok(change());
  await changed;
}
