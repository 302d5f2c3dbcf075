import { beforeEach, describe, expect, it } from "vitest";
import { forkSnapshot, restoreHere, restoreSession } from "../../../../src/ui/commands/restore.ts";
import { forkSession, pullSession } from "../../../../src/ui/commands/sessions.ts";
import { resetFake, state } from "../../../fakes/vscode.ts";
import { URI } from "../../../fakes/uri.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";
import { fakeChange, fakeRun, fakeSession, fakeSnapshot, settle, TARGET } from "../fake-engine.ts";

beforeEach(() => {
  resetFake({ ...SETTINGS });
  state.folders = [{ uri: URI.file("/ws"), name: "ws", index: 0 }];
});

const DOCKER = { ...TARGET, providerId: "docker", image: "python:3.12", network: "full", gpu: "L4" } as const;

async function setUp(snapshot = fakeSnapshot()) {
  const set = fakeDeps();
  set.engine.snapshots = [snapshot];
  set.engine.runs = [fakeRun()];
  await set.store.load();
  return { ...set, snapshot, item: { kind: "snapshot", snapshot } };
}

describe("restoreHere", () => {
  it("opens what it would change for review, and asks what to do with it", async () => {
    const { deps, engine, store, item } = await setUp(fakeSnapshot({ name: "good one" }));
    engine.changes = [fakeChange("a", { kind: "modified" }), fakeChange("gone", { decision: "applied" })];
    state.answers = ["Apply"];
    await restoreHere(deps, item);
    await settle();

    expect(engine.asked).toEqual(["restore snap-1"]);
    expect(store.changeSet("set-1")?.snapshotId).toBe("snap-1");
    expect(state.messages).toMatchObject([
      {
        message: "Restore good one: 1 file changed. Nothing is written until you apply it.",
        buttons: ["Apply", "Review", "Discard"],
      },
    ]);
    expect(state.executed.map(({ command, args }) => [command, args[0]])).toEqual([
      ["vscode.changes", "Restore good one"],
      ["sandpiper.applyChanges", "set-1"],
    ]);
  });

  it("says so when the files are the same", async () => {
    const { deps, item } = await setUp(fakeSnapshot({ name: "good one" }));
    await restoreHere(deps, item);

    expect(state.messages).toMatchObject([{ message: "Restore good one: the files here are the same already." }]);
    expect(state.executed).toEqual([]);
  });
});

describe("restoreSession", () => {
  it("offers a new sandbox like the one before, another provider, and the folder's sessions", async () => {
    const { deps, engine, item, store } = await setUp(fakeSnapshot({ target: DOCKER }));
    engine.sessions = [fakeSession(), fakeSession({ id: "elsewhere", workspaceRoot: "/other" })];
    await store.load();
    state.picks = ["In a New Sandbox like Before"];
    await restoreSession(deps, item);

    expect(state.asked[0]?.labels).toEqual([
      "In a New Sandbox like Before",
      "On Another Provider…",
      "In the Session ws, Replacing Its Files",
    ]);
    expect(engine.asked).toEqual(["restore snap-1 on docker in a new session"]);
    expect(state.messages).toMatchObject([
      { message: "The session goes on from After train.py, on Docker · python:3.12 · network on · L4." },
    ]);
  });

  it.each([
    ["Replace Files", ["restore snap-1 on local in s-1"]],
    [undefined, []],
  ])("warns before it replaces a session's files: %s", async (answer, asked) => {
    const { deps, engine, item, store } = await setUp();
    engine.sessions = [fakeSession()];
    await store.load();
    state.picks = ["In the Session ws, Replacing Its Files"];
    state.answers = [answer];
    await restoreSession(deps, item);

    expect(state.messages[0]).toMatchObject({
      message: "Replace the files in the sandbox of ws?",
      detail: "What it holds now is kept in a snapshot first.",
    });
    expect(engine.asked).toEqual(asked);
  });

  it("offers another GPU where there are some, and the one before where there was one", async () => {
    const target = { ...TARGET, providerId: "modal", image: "im-1", gpu: "H100:2", gpuFallbacks: ["cpu"] } as const;
    const { deps, engine, item } = await setUp(fakeSnapshot({ target }));
    engine.gpus = [{ tier: { id: "L4", title: "L4" } }];
    state.picks = ["Like Before, with Another GPU…", "L4", "Nothing Else: Say So and Stop"];
    const other = await restoreSession(deps, item);
    state.picks = ["Like Before, with Another GPU…", "No GPU"];
    const none = await restoreSession(deps, item);
    state.picks = ["In a New Sandbox like Before"];
    const same = await restoreSession(deps, item);

    const { gpu: _gpu, gpuFallbacks: _fallbacks, ...plain } = target;
    expect([other?.target, none?.target, same?.target]).toEqual([{ ...plain, gpu: "L4" }, plain, target]);
  });

  it("offers to run on the session's GPU from now on, where runs would get another sandbox", async () => {
    Object.assign(state.settings, { "sandpiper.provider": "modal", "sandpiper.gpu": "H100" });
    const target = { ...TARGET, providerId: "modal", gpu: "H100" } as const;
    const { deps, engine, item } = await setUp(fakeSnapshot({ target }));
    engine.gpus = [{ tier: { id: "L4", title: "L4" } }];
    state.picks = ["Like Before, with Another GPU…", "L4", "Nothing Else: Say So and Stop"];
    state.answers = ["Run on L4 from Now On"];
    await restoreSession(deps, item);
    await settle();
    expect(state.settings["sandpiper.gpu"]).toBe("L4");
    state.picks = ["Like Before, with Another GPU…", "L4", "Nothing Else: Say So and Stop"];
    await restoreSession(deps, item);

    expect(state.messages.map(({ buttons }) => buttons)).toEqual([
      ["Open Terminal", "Run on L4 from Now On"],
      ["Open Terminal"],
    ]);
  });

  it("names the environment variables whose values nobody has kept, and leads to where they are set", async () => {
    const { deps, item } = await setUp(fakeSnapshot({ envNames: ["API_URL", "SEED"] }));
    state.settings["sandpiper.run.env"] = { SEED: "1" };
    state.picks = ["In a New Sandbox like Before"];
    state.answers = ["Open Settings"];
    await restoreSession(deps, item);
    await settle();

    const text = "Its runs had API_URL. Values are not kept: set them in sandpiper.run.env.";
    expect(state.asked[0]?.placeHolder).toBe(text);
    expect(state.messages[0]?.message).toContain(text);
    expect(state.executed).toEqual([{ command: "workbench.action.openSettings", args: ["sandpiper.run.env"] }]);
  });

  it("takes a session's row for the newest snapshot of its sandbox", async () => {
    const { deps, engine, store } = await setUp();
    engine.snapshots = ["1", "3", "2"].map((id) => fakeSnapshot({ id, sessionId: "s-9" }));
    await store.load();
    state.picks = ["In a New Sandbox like Before"];
    await restoreSession(deps, { kind: "session", session: fakeSession({ id: "s-9", state: "ended" }) });

    expect(engine.asked).toEqual(["restore 3 on local in a new session"]);
  });

  it("says so when nothing of the session is kept", async () => {
    const { deps } = await setUp();
    const session = fakeSession({ id: "s-9", state: "ended" });

    await expect(restoreSession(deps, { kind: "session", session })).rejects.toMatchObject({ code: "not-found" });
  });

  it.each([
    ["Always Allow in This Workspace", ["allow f1 in /ws", "restore snap-1 on docker in a new session"]],
    [undefined, []],
  ])("asks before credentials go along: %s", async (answer, asked) => {
    const { deps, engine, item } = await setUp(fakeSnapshot({ target: DOCKER }));
    const finding = { path: "app.py", line: 3, kind: "GitHub token", hint: "ghp_…(40)" };
    engine.secrets = [
      { ...finding, fingerprint: "f1" },
      { ...finding, line: 9, fingerprint: "f1" },
    ];
    state.picks = ["In a New Sandbox like Before"];
    state.answers = [answer];
    await restoreSession(deps, item);

    expect(state.messages[0]).toMatchObject({
      message: "The snapshot holds 2 lines that look like credentials. Send them all the same?",
      detail: "app.py:3: GitHub token ghp_…(40)\napp.py:9: GitHub token ghp_…(40)",
    });
    expect(engine.asked).toEqual(asked);
  });

  it("52: sends nothing in a workspace that is not trusted", async () => {
    const { deps, engine, item } = await setUp();
    state.isTrusted = false;

    await expect(restoreSession(deps, item)).rejects.toMatchObject({ code: "blocked" });
    await expect(forkSnapshot(deps, item)).rejects.toMatchObject({ code: "blocked" });
    await expect(forkSession(deps, { kind: "session", session: fakeSession() })).rejects.toMatchObject({
      code: "blocked",
    });
    expect(engine.asked).toEqual([]);
  });
});

describe("forking", () => {
  it("of a snapshot makes a new session on the same target without asking", async () => {
    const { deps, engine, item } = await setUp(fakeSnapshot({ target: DOCKER }));
    await forkSnapshot(deps, item);

    expect(engine.asked).toEqual(["restore snap-1 on docker in a new session"]);
    expect(state.asked).toEqual([]);
  });

  it("of a session asks where the second one goes on", async () => {
    const { deps, engine } = await setUp();
    state.picks = ["In a New Sandbox like This One"];
    await forkSession(deps, { kind: "session", session: fakeSession() });

    expect(engine.asked).toEqual(["fork s-1 on local"]);
  });
});

describe("pullSession", () => {
  it("opens what the sandbox holds for review", async () => {
    const { deps, engine } = await setUp();
    engine.changes = [fakeChange("a")];
    await pullSession(deps, { kind: "session", session: fakeSession() });

    expect(engine.asked).toEqual(["pull s-1"]);
    expect(state.executed.map(({ command, args }) => [command, args[0]])).toEqual([
      ["vscode.changes", "Changes in ws"],
    ]);
  });
});
