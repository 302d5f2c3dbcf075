import { beforeEach, describe, expect, it } from "vitest";
import { Uri } from "vscode";
import { startRun } from "../../../../src/ui/commands/start-run.ts";
import type { BlockedUpload, RunCommand } from "../../../../src/sessions/records.ts";
import { resetFake, state } from "../../../fakes/vscode.ts";
import { URI } from "../../../fakes/uri.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";
import { fakeRun, settle } from "../fake-engine.ts";

const WS = { uri: Uri.file("/ws"), name: "ws", index: 0 };
const SECRETS: BlockedUpload = {
  kind: "secrets",
  findings: [
    { path: "config.py", line: 12, kind: "GitHub token", hint: "ghp_…(40)", fingerprint: "f1" },
    { path: "copy/config.py", line: 2, kind: "GitHub token", hint: "ghp_…(40)", fingerprint: "f1" },
  ],
};
const SIZE: BlockedUpload = {
  kind: "size",
  totalBytes: 3 * 1024 ** 3,
  limitBytes: 1024 ** 3,
  largest: [
    { path: "data/", sizeBytes: 2 * 1024 ** 3 },
    { path: "model.bin", sizeBytes: 1024 ** 3 },
  ],
};

beforeEach(() => {
  resetFake({ ...SETTINGS });
  state.folders = [{ ...WS, uri: URI.file("/ws") }];
});

/** Runs, and has the engine hold it back. */
async function runBlocked(blocked: BlockedUpload, command: RunCommand = { kind: "line", line: "make" }) {
  const { deps, engine, store } = fakeDeps();
  const run = await startRun(deps, { folder: WS, command });
  const { exit: _exit, ...ended } = fakeRun({ id: run?.id ?? "", blocked });
  store.putRun({ ...ended, error: { code: "blocked", message: "Nothing was sent." } });
  await settle();
  return engine;
}

describe("a run that holds credentials", () => {
  it("lists them and asks, and is left alone when the user says nothing", async () => {
    const engine = await runBlocked(SECRETS);

    expect(state.asked).toEqual([
      {
        placeHolder: "Nothing was sent: 2 lines look like credentials",
        labels: [
          "Allow Once",
          "Always Allow in This Workspace",
          "Exclude These Files",
          "Found, opens the line",
          "config.py:12",
          "copy/config.py:2",
        ],
      },
    ]);
    expect(engine.requests).toHaveLength(1);
    expect(state.messages).toEqual([]);
  });

  it("opens what was found, and goes on asking", async () => {
    state.picks = ["config.py:12", "copy/config.py:2"];
    await runBlocked(SECRETS);

    const opened = state.executed.filter(({ command }) => command === "vscode.open");
    expect(opened.map(({ args }) => String(args[0]))).toEqual(["file:///ws/config.py", "file:///ws/copy/config.py"]);
    expect(opened[0]?.args[1]).toMatchObject({ selection: { start: { line: 11 } }, preserveFocus: true });
  });

  it("is sent with them once", async () => {
    state.picks = ["Allow Once"];
    const engine = await runBlocked(SECRETS);

    expect(engine.requests.map(({ allowedSecrets }) => allowedSecrets)).toEqual([[], ["f1"]]);
    expect(engine.asked).toEqual([]);
  });

  it("is sent with them from now on", async () => {
    state.picks = ["Always Allow in This Workspace"];
    const engine = await runBlocked(SECRETS);

    expect(engine.asked).toEqual(["allow f1 in /ws"]);
    expect(engine.requests).toHaveLength(2);
  });

  it("is sent without their files", async () => {
    state.picks = ["Exclude These Files"];
    const engine = await runBlocked(SECRETS);

    expect(state.disk.get("/ws/.sandboxignore")).toBe("/config.py\n/copy/config.py\n");
    expect(engine.requests).toHaveLength(2);
  });

  it("does not start again when it is its own file that is excluded", async () => {
    state.picks = ["Exclude These Files"];
    const engine = await runBlocked(SECRETS, { kind: "file", path: "config.py", args: [] });

    expect(engine.requests).toHaveLength(1);
    expect(state.messages.map(({ message }) => message)).toContain("config.py is excluded now, so it was not run.");
  });
});

describe("a run that is too large to send", () => {
  it("starts again without the largest folder", async () => {
    state.picks = ["Exclude data/"];
    const engine = await runBlocked(SIZE);

    expect(state.asked[0]).toEqual({
      placeHolder: "Nothing was sent: 3.0 GiB is over the limit of 1.0 GiB",
      labels: ["Exclude data/", "Exclude model.bin", "Or", "Look at All of It…", "Raise the Limit…"],
    });
    expect(state.disk.get("/ws/.sandboxignore")).toBe("/data/\n");
    expect(engine.requests).toHaveLength(2);
  });

  it("starts again once the limit was raised", async () => {
    state.picks = ["Raise the Limit…"];
    state.answers = ["Run Again"];
    const engine = await runBlocked(SIZE);

    expect(state.executed).toContainEqual({
      command: "workbench.action.openSettings",
      args: ["sandpiper.sync.maxUploadMiB"],
    });
    expect(engine.requests).toHaveLength(2);
  });
});
