import { equal, ok } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as vscode from "vscode";
import type { RunRecord } from "../../src/sessions/records.ts";
import type { ChangeSetRecord, SnapshotRecord } from "../../src/sessions/snapshot-records.ts";
import { toSnapshotUri } from "../../src/ui/review/review-files.ts";
import { exists, inWorkspace, openNew, readText, startRun, until, untilEnded } from "./editor.ts";

/** The engine's own records of snapshots. */
function readSnapshots(): readonly SnapshotRecord[] {
  return readRecords("snapshots").filter((each): each is SnapshotRecord => isRecord(each));
}

/** The same of change sets. */
function readChangeSets(): readonly ChangeSetRecord[] {
  return readRecords("changesets", "record.json").filter((each): each is ChangeSetRecord => isRecord(each));
}

function readRecords(folder: string, file = ""): readonly unknown[] {
  const root = join(process.env["SANDPIPER_STATE"] ?? "", folder);
  return readdirSync(root).map((name): unknown => JSON.parse(readFileSync(join(root, name, file), "utf8")));
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && "workspaceRoot" in value;
}

/** The timeline, through the commands that a view's rows call. */
export function describeSnapshots(): void {
  describe("a snapshot of what a run left", () => {
    let run: RunRecord;
    let snapshot: SnapshotRecord;

    before(async () => {
      const { uri } = await openNew("makes.py", 'open("made.txt", "w").write("made in the sandbox")\n');
      run = await startRun("sandpiper.runFile", uri);
      await untilEnded(uri);
      const find = () => readSnapshots().find((each) => each.runId === run.id && each.cause === "exit");
      await until("the snapshot is there", async () => find() !== undefined);
      const found = find();
      ok(found);
      snapshot = found;
    });

    it("can be read file by file, although the file is not in the workspace", async () => {
      equal(await exists("made.txt"), false);
      const content = await vscode.workspace.fs.readFile(toSnapshotUri(snapshot, "made.txt"));

      equal(Buffer.from(content).toString(), "made in the sandbox");
    });

    it("opens beside the files here", async () => {
      await vscode.commands.executeCommand("sandpiper.diffWithWorkspace", snapshot.id);
      const tab = vscode.window.tabGroups.activeTabGroup.activeTab;

      ok(tab?.label.startsWith("After makes.py ↔ here"), tab?.label);
    });

    it("comes into the workspace when its restore is applied, and not before", async () => {
      await vscode.commands.executeCommand("sandpiper.restoreHere", snapshot.id);
      const set = readChangeSets().find((each) => each.snapshotId === snapshot.id);
      ok(set);
      equal(await exists("made.txt"), false);
      ok(vscode.window.tabGroups.activeTabGroup.activeTab?.label.startsWith("Restore "));
      await vscode.commands.executeCommand("sandpiper.applyChanges", set.id);

      equal(await readText("made.txt"), "made in the sandbox");
      await vscode.workspace.fs.delete(inWorkspace("made.txt"));
    });

    it("is gone once it is deleted", async () => {
      await vscode.commands.executeCommand("sandpiper.deleteSnapshot", snapshot.id);

      ok(!readSnapshots().some(({ id }) => id === snapshot.id));
    });
  });
}
