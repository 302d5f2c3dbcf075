import { beforeEach, describe, expect, it } from "vitest";
import { Uri } from "vscode";
import {
  allowSecret,
  excludeUpload,
  includeUpload,
  previewUpload,
  runPreviewed,
} from "../../../../src/ui/commands/preview-upload.ts";
import { fakeDocument, resetFake, state } from "../../../fakes/vscode.ts";
import { URI } from "../../../fakes/uri.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";
import { settle } from "../fake-engine.ts";

beforeEach(() => {
  resetFake({ ...SETTINGS });
  state.folders = [
    { uri: URI.file("/ws"), name: "ws", index: 0 },
    { uri: URI.file("/other"), name: "other", index: 1 },
  ];
  state.disk.set("/ws/data/a.csv", "1");
  state.disk.set("/ws/.env", "KEY=1");
});

async function showPreview() {
  const fake = fakeDeps();
  fake.engine.preview = {
    files: [{ path: "data/a.csv", sizeBytes: 1, isSent: true }],
    totalBytes: 1,
    sentBytes: 1,
    sentCount: 1,
    skipped: [{ path: ".env", kind: "secret", reason: "held back" }],
    findings: [{ path: "data/a.csv", line: 1, kind: "Token", hint: "t…(9)", fingerprint: "f1" }],
  };
  await previewUpload(fake.deps, Uri.file("/ws/data/a.csv"));
  return fake;
}

describe("the preview", () => {
  it("is of the folder that holds the file, where the settings say that it runs", async () => {
    const { engine } = await showPreview();

    expect(engine.asked).toEqual(["preview /ws for local"]);
  });

  it("leaves a folder out, reads anew, and can be taken back", async () => {
    const { deps, engine } = await showPreview();
    const [, , folder] = deps.uploadView.getChildren();
    state.answers = ["Undo"];
    await excludeUpload(deps, folder);

    expect(state.messages[0]).toMatchObject({ message: "Added /data/ to .sandboxignore.", buttons: ["Undo", "Open"] });
    expect(engine.asked).toHaveLength(2);
    await settle();
    expect(state.disk.has("/ws/.sandboxignore")).toBe(false);
  });

  it("keeps what others wrote meanwhile when a line is taken back", async () => {
    const { deps } = await showPreview();
    state.disk.set("/ws/.sandboxignore", "*.log\n!/data/\n");
    const [, , folder] = deps.uploadView.getChildren();
    state.answers = ["Undo"];
    const excluding = excludeUpload(deps, folder);
    await excluding;
    await settle();

    expect(state.disk.get("/ws/.sandboxignore")).toBe("*.log\n!/data/\n");
  });

  it("sends what was held back", async () => {
    const { deps } = await showPreview();
    const group = deps.uploadView.getChildren()[1];
    const [row] = deps.uploadView.getChildren(group);
    await includeUpload(deps, row);

    expect(state.disk.get("/ws/.sandboxignore")).toBe("!/.env\n");
  });

  it("lets a credential through for good", async () => {
    const { deps, engine } = await showPreview();
    const [row] = deps.uploadView.getChildren(deps.uploadView.getChildren()[0]);
    await allowSecret(deps, row);

    expect(engine.asked).toContain("allow f1 in /ws");
  });

  it("runs the open file when no run waits for it", async () => {
    const { deps, engine } = await showPreview();
    const document = fakeDocument(URI.file("/ws/run.py"), "");
    const start = { line: 0, character: 0 };
    state.activeEditor = { document, selection: { start, end: start } };
    await runPreviewed(deps);

    expect(engine.requests).toMatchObject([{ workspaceRoot: "/ws", command: { kind: "file", path: "run.py" } }]);
  });
});
