import { beforeEach, describe, expect, it } from "vitest";
import { ACCOUNTS } from "../../../../src/sessions/accounts.ts";
import { showBatch, stopBatch } from "../../../../src/ui/commands/control-batch.ts";
import { runOnMany } from "../../../../src/ui/commands/run-on-many.ts";
import { fakeDocument, resetFake, state } from "../../../fakes/vscode.ts";
import { URI } from "../../../fakes/uri.ts";
import { fakeDeps, fakeMemento, SETTINGS } from "../command-deps.ts";
import { fakeBatch } from "../fake-cloud.ts";
import { FakeEngine, settle } from "../fake-engine.ts";

const FILE = URI.file("/ws/train.py");
const RATE = { usdPerHour: 3.95, asOf: "2026-11-24" };
const FINDING = {
  path: "config.py",
  line: 3,
  kind: "AWS access key",
  hint: "AKIA…(20)",
  fingerprint: "print-1",
} as const;

beforeEach(() => {
  resetFake({ ...SETTINGS });
  state.folders = [{ uri: URI.file("/ws"), name: "ws", index: 0 }];
  state.documents.push(fakeDocument(FILE, "print(1)"));
});

/** A window in which nothing was agreed to, and whose user takes the first provider there is but for what a test says. */
function setUp() {
  const { deps, engine } = fakeDeps(new FakeEngine(), fakeMemento());
  engine.preview = {
    ...engine.preview,
    files: [{ path: "train.py", sizeBytes: 1024, isSent: true }],
    totalBytes: 1024,
  };
  state.picks = ["Local (bubblewrap)"];
  return { deps, engine };
}

describe("Run On Many", () => {
  it("asks where, how many and how many at once, says in one question what that means, and shows the table", async () => {
    const { deps, engine } = setUp();
    state.inputs = ["100", "8"];
    state.answers = ["Send and Run"];
    await runOnMany(deps, FILE);
    await settle();

    expect(state.messages.map(({ message }) => message)).toEqual(["Run it in 100 sandboxes on Local (bubblewrap)?"]);
    expect(state.messages[0]?.detail?.split("\n")).toEqual([
      "At once: 8",
      "",
      "To: Local (bubblewrap), on this machine",
      "Boundary: Linux namespaces",
      "Network: off, code there reaches nothing",
      "Sent: 1 file, 1.0 KiB",
      "",
      "What a run changes comes back for you to review.",
    ]);
    expect(engine.asked).toContain("batch of 100 by 8");
    expect(engine.requests).toMatchObject([{ command: { kind: "file", path: "train.py" }, workspaceRoot: "/ws" }]);
    expect(engine.requests[0]).not.toHaveProperty("pty");
    expect(state.panels).toHaveLength(1);
    expect(state.terminals).toEqual([]);
  });

  it("says what it may cost, as an estimate, where sandboxes cost something", async () => {
    const { deps, engine } = setUp();
    Object.assign(state.settings, { "sandpiper.provider": "modal", "sandpiper.lifetimeMinutes": 30 });
    engine.rate = RATE;
    for (const account of ACCOUNTS) await deps.keys.keep(account, { tokenId: "ak-1", tokenSecret: "as-1" });
    state.picks = ["Modal", "No GPU"];
    state.inputs = ["100", ""];
    await runOnMany(deps, FILE);

    expect(state.messages.at(-1)?.detail?.split("\n").slice(0, 4)).toEqual([
      "At once: as many as the provider allows",
      "Estimate: $3.95/h for each, $395.00/h while 100 run at once",
      "At most $197.50, if each takes its whole 30 min; prices of 2026-11-24",
      "",
    ]);
  });

  it("sends nothing without a yes", async () => {
    const { deps, engine } = setUp();
    state.inputs = ["3", "1"];
    await runOnMany(deps, FILE);

    expect(engine.requests).toEqual([]);
    expect(state.panels).toEqual([]);
  });

  it.each([["0"], ["10001"], ["1.5"], ["many"]])("refuses %s as a number of sandboxes", async (count) => {
    const { deps, engine } = setUp();
    state.inputs = [count];

    await expect(runOnMany(deps, FILE)).rejects.toMatchObject({ code: "invalid" });
    expect(engine.requests).toEqual([]);
  });

  it("refuses more at once than there are", async () => {
    const { deps } = setUp();
    state.inputs = ["3", "4"];

    await expect(runOnMany(deps, FILE)).rejects.toMatchObject({ code: "invalid" });
  });

  it("lets the user decide about credentials before any of the sandboxes gets them", async () => {
    const { deps, engine } = setUp();
    engine.preview = { ...engine.preview, findings: [FINDING] };
    state.picks.push("Allow Once");
    state.inputs = ["3", ""];
    state.answers = ["Send and Run"];
    await runOnMany(deps, FILE);

    expect(engine.requests).toMatchObject([{ allowedSecrets: ["print-1"] }]);
  });

  it("runs a command where that is picked instead of the open file", async () => {
    const { deps, engine } = setUp();
    const [document] = state.documents;
    const start = { line: 0, character: 0 };
    if (document) state.activeEditor = { document, selection: { start, end: start } };
    await deps.memento.update("commands", ["pytest -q"]);
    state.picks = ["A Command…", "pytest -q", "Local (bubblewrap)"];
    state.inputs = ["2", ""];
    state.answers = ["Send and Run"];
    await runOnMany(deps, undefined);

    expect(engine.requests).toMatchObject([{ command: { kind: "line", line: "pytest -q" } }]);
    expect(engine.asked).toContain("batch of 2 by limit");
  });

  it("52: runs nothing in a workspace that is not trusted", async () => {
    const { deps, engine } = setUp();
    state.isTrusted = false;

    await expect(runOnMany(deps, FILE)).rejects.toMatchObject({ code: "blocked" });
    expect(engine.requests).toEqual([]);
  });
});

describe("a batch", () => {
  it("is stopped once the user has said so", async () => {
    const { deps, engine } = setUp();
    engine.batches = [fakeBatch()];
    state.answers = [undefined, "Stop All"];
    await stopBatch(deps, "batch-1");
    expect(engine.asked).not.toContain("stop batch batch-1");
    await stopBatch(deps, { kind: "batch", batch: fakeBatch() });

    expect(state.messages[0]?.detail).toBe("2 are running and 1 wait. What has ended keeps its results.");
    expect(engine.asked).toContain("stop batch batch-1");
  });

  it("that has ended is not stopped again", async () => {
    const { deps, engine } = setUp();
    engine.batches = [fakeBatch({ state: "ended" })];
    await stopBatch(deps, "batch-1");

    expect(state.messages).toEqual([]);
  });

  it("is shown: the only one at once, else the one that is picked", async () => {
    const { deps, engine } = setUp();
    engine.batches = [fakeBatch(), fakeBatch({ id: "batch-2", title: "test.py" })];
    state.picks = ["test.py × 3"];
    await showBatch(deps, undefined);

    expect(state.panels[0]?.webview.html).toContain('data-batch="batch-2"');
  });
});
