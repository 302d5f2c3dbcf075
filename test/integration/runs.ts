import { equal, match, ok } from "node:assert/strict";
import * as vscode from "vscode";
import { exists, inWorkspace, lensTitles, open, openNew, startRun, until, untilEnded } from "./editor.ts";

/** Runs by the local provider, for real. */
export function describeRuns(): void {
  describe("a run", () => {
    it("of a file that fails ends in a lens with its exit code", async () => {
      await open("failing.py");
      const run = await startRun("sandpiper.runFile");
      const result = await untilEnded(inWorkspace("failing.py"));

      equal(run.title, "failing.py");
      match(result, /^\$\(error\)\u00a0exit 3 · .+ s · Local$/);
      ok(vscode.window.terminals.some(({ name }) => name.includes("failing.py")));
    });

    it("of a file that changes others leaves them alone, and says so in a lens", async () => {
      await openNew("writes.py", 'open("made-by-run.txt", "w").write("made")\n');
      await startRun("sandpiper.runFile", inWorkspace("writes.py"));
      await untilEnded(inWorkspace("writes.py"));

      ok((await lensTitles(inWorkspace("writes.py"))).includes("$(diff-multiple)\u00a01 file changed: Review"));
      equal(await exists("made-by-run.txt"), false);
    });

    it("takes the text on screen, saved or not, and leaves the disk alone", async () => {
      const document = await openNew("unsaved.py", "raise SystemExit(1)\n");
      const edit = new vscode.WorkspaceEdit();
      edit.replace(document.uri, new vscode.Range(0, 0, 1, 0), "raise SystemExit(42)\n");
      await vscode.workspace.applyEdit(edit);
      await startRun("sandpiper.runFile");
      const result = await untilEnded(document.uri);

      match(result, /exit 42/);
      equal(document.isDirty, true);
      await vscode.commands.executeCommand("workbench.action.files.revert");
    });

    it("of a selection keeps its lines' numbers and its file's name", async () => {
      const document = await openNew("part.py", "import nothing_like_it\n\n\nopen('line.txt', 'w').write('ran')\n");
      const editor = await vscode.window.showTextDocument(document);
      editor.selection = new vscode.Selection(3, 0, 3, 34);
      const run = await startRun("sandpiper.runSelection");

      equal(run.title, "part.py:4");
      equal(run.command.kind === "code" && run.command.text, "\n\n\nopen('line.txt', 'w').write('ran')\n");
    });

    it("can be stopped, although it does not heed the interrupt", async () => {
      const stubborn =
        "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(600)\n";
      const { uri } = await openNew("stubborn.py", stubborn);
      const run = await startRun("sandpiper.runFile", uri);
      await until("it runs", async () => (await lensTitles(uri)).some((title) => title.includes("running")));
      await vscode.commands.executeCommand("sandpiper.stop", run.id);

      match(await untilEnded(uri), /^\$\(circle-slash\)\u00a0stopped/);
    });
  });
}
