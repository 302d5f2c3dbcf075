import { beforeEach, describe, expect, it } from "vitest";
import type { RunRecord } from "../../../../src/sessions/records.ts";
import { CodeLenses } from "../../../../src/ui/lens/code-lenses.ts";
import { resetFake, state } from "../../../fakes/vscode.ts";
import * as vscode from "vscode";
import { URI } from "../../../fakes/uri.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";
import { fakeRun, liveRun } from "../fake-engine.ts";

beforeEach(() => {
  resetFake({ ...SETTINGS });
  state.folders = [{ uri: URI.file("/ws"), name: "ws", index: 0 }];
});

function titles(run?: RunRecord, text = "print(1)"): readonly string[] {
  const { store } = fakeDeps();
  if (run) store.putRun(run);
  const document = { uri: vscode.Uri.file("/ws/train.py"), languageId: "python", getText: () => text };
  return new CodeLenses(store).provideCodeLenses(document).map((lens) => lens.command?.title ?? "");
}

describe("CodeLenses", () => {
  it.each([
    ["alone before the first run", undefined, []],
    [
      "beside what goes on, with a way to stop it",
      liveRun(),
      ["$(sync~spin)\u00a0running…", "$(debug-stop)\u00a0Stop"],
    ],
    ["beside a success", fakeRun(), ["$(check)\u00a01.2 s · Local"]],
    ["beside what it cost", fakeRun({ costUsd: 0.021 }), ["$(check)\u00a01.2 s · Local · $0.02"]],
    ["beside a failure", fakeRun({ exit: { kind: "exited", code: 3 } }), ["$(error)\u00a0exit 3 · 1.2 s · Local"]],
    [
      "beside changes to review",
      fakeRun({ changes: { added: 2, modified: 0, deleted: 0, pending: 1 } }),
      ["$(check)\u00a01.2 s · Local", "$(diff-multiple)\u00a02 files changed: Review"],
    ],
    ["not beside the run of another file", fakeRun({ command: { kind: "file", path: "b.py", args: [] } }), []],
    ["not beside the run of another folder", fakeRun({ workspaceRoot: "/other" }), []],
  ])("shows Run in Sandbox %s", (_, run, others) => {
    expect(titles(run)).toEqual(["$(play)\u00a0Run in Sandbox", ...others]);
  });

  it("shows the last result once, and Run again at the main guard", () => {
    expect(titles(fakeRun(), "x = 1\nif __name__ == '__main__':\n    x")).toEqual([
      "$(play)\u00a0Run in Sandbox",
      "$(check)\u00a01.2 s · Local",
      "$(play)\u00a0Run in Sandbox",
    ]);
  });

  it("shows nothing when the setting says so", () => {
    state.settings["sandpiper.codeLens.enabled"] = false;

    expect(titles(fakeRun())).toEqual([]);
  });
});
