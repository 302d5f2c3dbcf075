import { deepEqual, equal, ok } from "node:assert/strict";
import * as vscode from "vscode";
import type { RunRecord } from "../../src/sessions/records.ts";
import { toTheirsUri } from "../../src/ui/review/review-files.ts";
import { exists, openNew, readText, startRun, untilEnded } from "./editor.ts";

const SCRIPT = `
open("kept.txt", "w").write("from the sandbox")
open("picture.bin", "wb").write(bytes(range(256)))
open("doomed.txt", "a").write("more")
`;

/** The way back of what a run changed. */
export function describeReview(): void {
  describe("what a run changed", () => {
    let run: RunRecord;

    before(async () => {
      await openNew("doomed.txt", "before ");
      const { uri } = await openNew("changes.py", SCRIPT);
      run = await startRun("sandpiper.runFile", uri);
      await untilEnded(uri);
    });

    it("opens in one multi-diff editor", async () => {
      await vscode.commands.executeCommand("sandpiper.reviewChanges", run.id);
      const tab = vscode.window.tabGroups.activeTabGroup.activeTab;

      ok(tab?.label.startsWith("Changes by changes.py"), tab?.label);
    });

    it("can be read as it is in the sandbox, to the byte, and not written", async () => {
      const uri = toTheirsUri(run, "picture.bin");

      deepEqual(
        [...(await vscode.workspace.fs.readFile(uri))],
        Array.from({ length: 256 }, (_, index) => index),
      );
      equal(vscode.workspace.fs.isWritableFileSystem("sandpiper"), false);
    });

    it("can be read as output, in plain text", async () => {
      await vscode.commands.executeCommand("sandpiper.openRunLog", run.id);

      equal(vscode.window.activeTextEditor?.document.uri.scheme, "sandpiper");
    });

    it("is on disk once it is applied", async () => {
      equal(await exists("kept.txt"), false);
      await vscode.commands.executeCommand("sandpiper.applyChanges", run.id);

      equal(await readText("kept.txt"), "from the sandbox");
      equal(await readText("doomed.txt"), "before more");
      ok(await exists("picture.bin"));
    });
  });
}
