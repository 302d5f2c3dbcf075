import { beforeEach, describe, expect, it } from "vitest";
import * as vscode from "vscode";
import { rerun, stopRun } from "../../../../src/ui/commands/control-run.ts";
import { describeState } from "../../../../src/ui/describe-run.ts";
import { runFile } from "../../../../src/ui/commands/run-file.ts";
import { runSelection } from "../../../../src/ui/commands/run-selection.ts";
import { fakeDocument, resetFake, state } from "../../../fakes/vscode.ts";
import { URI } from "../../../fakes/uri.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";
import { fakeRun, liveRun, TARGET } from "../fake-engine.ts";

const WS = { uri: URI.file("/ws"), name: "ws", index: 0 };
const OTHER = { uri: URI.file("/other"), name: "other", index: 1 };

beforeEach(() => {
  resetFake({ ...SETTINGS });
  state.folders = [WS];
});

function open(path: string, text: string, options: { languageId?: string; isDirty?: boolean } = {}) {
  const uri = path.startsWith("/") ? URI.file(path) : URI.from({ scheme: "untitled", path });
  const document = fakeDocument(uri, text, options);
  state.documents.push(document);
  state.activeEditor = { document, selection: { start: new vscode.Position(0, 0), end: new vscode.Position(0, 0) } };
  return document;
}

describe("runFile", () => {
  it("runs the active file of its folder where the settings say, and shows its terminal without taking the focus", async () => {
    open("/ws/pkg/train.py", "print(1)");
    const { deps, engine } = fakeDeps();
    await runFile(deps, undefined);

    expect(engine.requests).toMatchObject([
      {
        workspaceRoot: "/ws",
        command: { kind: "file", path: "pkg/train.py", args: [] },
        target: TARGET,
        overlays: [],
        pty: { columns: 80, rows: 24 },
        origin: "editor",
        stopOnDisconnect: false,
        pull: true,
      },
    ]);
    expect(state.terminals.map(({ shown }) => shown)).toEqual([[{ preserveFocus: true }]]);
  });

  it("offers the remedy when the sandbox could not be made after the run was accepted, once", async () => {
    open("/ws/train.py", "");
    const { deps, store } = fakeDeps();
    const run = await runFile(deps, undefined);
    const { exit: _exit, ...failed } = fakeRun({
      id: run?.id ?? "",
      error: { code: "unavailable", message: "Docker is not running. Start Docker and try again." },
    });

    store.putRun(failed);
    store.putRun(failed);

    expect(state.messages).toMatchObject([{ level: "error", message: failed.error?.message }]);
    expect(state.messages[0]?.buttons).toContain("Select Provider");
  });

  it("says of a run that its budget ended where that is set, and what was spent", async () => {
    open("/ws/train.py", "");
    const { deps, store } = fakeDeps();
    const run = await runFile(deps, undefined);
    const message = "This run's budget of $0.50 was reached, so its sandbox was ended.";
    store.putRun(fakeRun({ id: run?.id ?? "", stopReason: "budget", error: { code: "blocked", message } }));

    expect(state.messages).toMatchObject([{ level: "error", message, buttons: ["Open Settings", "Show Costs"] }]);
    expect(describeState(fakeRun({ stopReason: "budget" }))).toBe("over budget");
  });

  it("says nothing more of a run that the user stopped while it was prepared", async () => {
    open("/ws/train.py", "");
    const { deps, store } = fakeDeps();
    const run = await runFile(deps, undefined);

    store.putRun(
      fakeRun({ id: run?.id ?? "", stopReason: "user", error: { code: "unavailable", message: "Stopped." } }),
    );

    expect(state.messages).toEqual([]);
  });

  it("runs the file that a menu names, not the active one", async () => {
    open("/ws/a.py", "");
    const { deps, engine } = fakeDeps();
    await runFile(deps, URI.file("/ws/b.py"));

    expect(engine.requests[0]?.command).toMatchObject({ path: "b.py" });
  });

  it("lays what is on screen and not saved over the disk, of the file's own folder only", async () => {
    state.folders = [WS, OTHER];
    open("/other/x.py", "other", { isDirty: true });
    open("/ws/lib.py", "saved");
    const file = open("/ws/a.py", "on screen", { isDirty: true });
    const { deps, engine } = fakeDeps();
    await runFile(deps, undefined);

    expect(engine.requests[0]?.overlays).toEqual([{ path: "a.py", text: "on screen" }]);
    expect(file.saved).toBe(0);
  });

  it.each([
    ["file", [1, 0]],
    ["all", [1, 1]],
  ])("saves before the run when the setting says %s", async (setting, saved) => {
    state.settings["sandpiper.saveBeforeRun"] = setting;
    const lib = open("/ws/lib.py", "x", { isDirty: true });
    const file = open("/ws/a.py", "y", { isDirty: true });
    await runFile(fakeDeps().deps, undefined);

    expect([file.saved, lib.saved]).toEqual(saved);
  });

  it("sends text that has no file yet as code, under a hidden name of its language", async () => {
    open("Untitled-1", "print(1)");
    const { deps, engine } = fakeDeps();
    await runFile(deps, undefined);

    expect(engine.requests[0]).toMatchObject({
      title: "Untitled-1",
      command: { kind: "code", path: ".sandpiper-untitled.Untitled-1.py", text: "print(1)" },
    });
  });

  it("52: runs nothing in a workspace that is not trusted", async () => {
    state.isTrusted = false;
    open("/ws/a.py", "");
    const { deps, engine } = fakeDeps();

    await expect(runFile(deps, undefined)).rejects.toMatchObject({
      code: "blocked",
      remedies: [{ command: "workbench.trust.manage" }],
    });
    expect(engine.requests).toEqual([]);
  });

  it("offers to open a folder when the file is in none", async () => {
    state.folders = [];
    open("/elsewhere/a.py", "");

    await expect(runFile(fakeDeps().deps, undefined)).rejects.toMatchObject({
      code: "invalid",
      message:
        "a.py is in no open folder, so Sandpiper does not know what to send along with it. Open its folder first.",
      remedies: [{ command: "vscode.openFolder" }],
    });
  });
});

describe("runSelection", () => {
  it("sends the lines under their own numbers, beside their file, with the file's name as title", async () => {
    const document = fakeDocument(URI.file("/ws/pkg/train.py"), "a\nb\nc\nd");
    state.activeEditor = { document, selection: { start: new vscode.Position(1, 0), end: new vscode.Position(3, 0) } };
    const { deps, engine } = fakeDeps();
    await runSelection(deps);

    expect(engine.requests[0]).toMatchObject({ title: "train.py:2-3", command: { kind: "code", text: "\nb\nc\n" } });
    expect(engine.requests[0]?.command).toHaveProperty(
      "path",
      expect.stringMatching(/^pkg\/\.sandpiper-selection-\d+\.train\.py$/),
    );
  });
});

describe("rerun", () => {
  it("runs this workspace's last run again, by the settings as they are now", async () => {
    const { deps, engine } = fakeDeps();
    engine.runs = [
      fakeRun({ id: "a", requestedAt: "2026-01-01T01:00:00Z" }),
      fakeRun({ id: "b", requestedAt: "2026-01-01T02:00:00Z", command: { kind: "line", line: "make" } }),
      fakeRun({ id: "c", requestedAt: "2026-01-01T03:00:00Z", command: { kind: "shell" } }),
      fakeRun({ id: "d", requestedAt: "2026-01-01T04:00:00Z", workspaceRoot: "/other" }),
    ];
    state.settings["sandpiper.memoryMiB"] = 99;
    await rerun(deps, undefined);

    expect(engine.requests[0]).toMatchObject({ command: { kind: "line", line: "make" }, target: { memoryMiB: 99 } });
  });

  it("runs a chosen run where it ran before", async () => {
    const { deps, engine } = fakeDeps();
    const run = fakeRun({ target: { ...TARGET, providerId: "docker", image: "x" } });
    engine.runs = [run];
    await rerun(deps, { kind: "run", run });

    expect(engine.requests[0]?.target).toEqual(run.target);
  });

  it("says so when there is nothing to run again", async () => {
    await expect(rerun(fakeDeps().deps, undefined)).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("stopRun", () => {
  it.each([
    ["asks the first time", liveRun(), ["stop run-1"]],
    ["kills the second time", liveRun({ state: "stopping" }), ["kill run-1"]],
    ["leaves alone what has ended", fakeRun(), []],
  ])("%s", async (_, run, asked) => {
    const { deps, engine } = fakeDeps();
    engine.runs = [run];
    await stopRun(deps, "run-1");

    expect(engine.asked).toEqual(asked);
  });
});
