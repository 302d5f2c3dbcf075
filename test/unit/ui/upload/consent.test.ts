import { beforeEach, describe, expect, it } from "vitest";
import { Uri } from "vscode";
import type { UploadPreview } from "../../../../src/sessions/snapshot-records.ts";
import { runPreviewed } from "../../../../src/ui/commands/preview-upload.ts";
import { forkSnapshot } from "../../../../src/ui/commands/restore.ts";
import { startRun } from "../../../../src/ui/commands/start-run.ts";
import { resetFake, state } from "../../../fakes/vscode.ts";
import { URI } from "../../../fakes/uri.ts";
import { fakeDeps, fakeMemento, SETTINGS } from "../command-deps.ts";
import { FakeEngine, fakeSnapshot, TARGET } from "../fake-engine.ts";

const WS = { uri: Uri.file("/ws"), name: "ws", index: 0 };
const OTHER = { uri: Uri.file("/other"), name: "other", index: 1 };
const INPUT = { folder: WS, command: { kind: "line", line: "make" } } as const;
const PREVIEW: UploadPreview = {
  files: [
    { path: "a.py", sizeBytes: 1_000, isSent: true },
    { path: "b.py", sizeBytes: 24, isSent: true },
  ],
  totalBytes: 1_024,
  sentBytes: 1_024,
  sentCount: 2,
  skipped: [
    { path: ".env", kind: "secret", reason: "held back" },
    { path: "big.bin", kind: "too-large", reason: "it is larger than the limit" },
    { path: "dist", kind: "rule", reason: "left out" },
  ],
  findings: [{ path: "a.py", line: 3, kind: "GitHub token", hint: "ghp_…(40)", fingerprint: "f1" }],
};

beforeEach(() => {
  resetFake({ ...SETTINGS });
  state.folders = [
    { ...WS, uri: URI.file("/ws") },
    { ...OTHER, uri: URI.file("/other") },
  ];
});

function setUp() {
  const engine = new FakeEngine();
  engine.preview = PREVIEW;
  return fakeDeps(engine, fakeMemento());
}

describe("the first run of a folder", () => {
  it("asks with everything that the user has to know, and runs nothing until the user says so", async () => {
    const { deps, engine } = setUp();
    const run = await startRun(deps, INPUT);

    expect(run).toBeUndefined();
    expect(engine.requests).toEqual([]);
    expect(state.messages[0]).toMatchObject({
      message: "Send ws to Local (bubblewrap)?",
      buttons: ["Send and Run", "Preview…"],
    });
    expect(state.messages[0]?.detail?.split("\n")).toEqual([
      "To: Local (bubblewrap), on this machine",
      "Boundary: Linux namespaces",
      "Network: off, code there reaches nothing",
      "Sent: 2 files, 1.0 KiB",
      "Held back as secrets: .env",
      "Too large to send: big.bin",
      "Left out by rules: 1",
      "",
      "1 line in them looks like a credential. You decide about it before anything is sent.",
      "",
      "What a run changes comes back for you to review.",
    ]);
  });

  it("asks once, per folder", async () => {
    const { deps, engine } = setUp();
    state.answers = ["Send and Run", "Send and Run"];
    await startRun(deps, INPUT);
    await startRun(deps, INPUT);
    await startRun(deps, { ...INPUT, folder: OTHER });

    expect(engine.requests.map(({ workspaceRoot }) => workspaceRoot)).toEqual(["/ws", "/ws", "/other"]);
    expect(state.messages.map(({ message }) => message)).toEqual([
      "Send ws to Local (bubblewrap)?",
      "Send other to Local (bubblewrap)?",
    ]);
  });

  it("asks again when the network opens", async () => {
    const { deps } = setUp();
    state.answers = ["Send and Run"];
    await startRun(deps, INPUT);
    state.settings["sandpiper.network"] = "full";
    await startRun(deps, INPUT);

    expect(state.messages[1]?.detail).toContain("Network: on, code there can send what it was given anywhere");
  });

  it("names a machine that is not this one", async () => {
    const { deps } = setUp();
    Object.assign(state.settings, { "sandpiper.provider": "docker", "sandpiper.docker.host": "ssh://me@box" });
    await startRun(deps, INPUT);

    expect(state.messages[0]?.detail).toContain("To: Docker at ssh://me@box\nBoundary: a container");
  });

  it("waits behind the preview, and starts from there", async () => {
    const { deps, engine } = setUp();
    state.answers = ["Preview…"];
    const run = await startRun(deps, INPUT);
    expect(run).toBeUndefined();
    expect(state.executed).toContainEqual({ command: "sandpiper.upload.focus", args: [] });

    await runPreviewed(deps);

    expect(engine.requests).toMatchObject([{ command: INPUT.command }]);
    expect(state.executed.at(-1)).toEqual({ command: "setContext", args: ["sandpiper.hasUploadPreview", false] });
    expect(state.messages).toHaveLength(1);
  });
});

describe("a snapshot that goes somewhere for the first time", () => {
  const snapshot = fakeSnapshot({ target: { ...TARGET, network: "full" } });

  it("is sent once the user says so", async () => {
    const { deps, engine } = setUp();
    state.answers = ["Send"];
    await forkSnapshot(deps, { kind: "snapshot", snapshot });

    expect(state.messages[0]).toMatchObject({ message: "Send ws to Local (bubblewrap)?", buttons: ["Send"] });
    expect(state.messages[0]?.detail).toContain("Network: on, code there can send what it was given anywhere\nSent: ");
    expect(engine.asked).toHaveLength(1);
  });

  it("stays here otherwise", async () => {
    const { deps, engine } = setUp();
    await forkSnapshot(deps, { kind: "snapshot", snapshot });

    expect(engine.asked).toEqual([]);
  });
});
