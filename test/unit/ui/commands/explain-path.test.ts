import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Uri } from "vscode";
import { explainPath } from "../../../../src/ui/commands/explain-path.ts";
import { makeTempFolder, removeFolder } from "../../../rig/temp-folder.ts";
import { resetFake, state } from "../../../fakes/vscode.ts";
import { URI } from "../../../fakes/uri.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";

let root = "";

beforeEach(() => {
  resetFake({ ...SETTINGS });
  root = makeTempFolder();
  state.folders = [{ uri: URI.file(root), name: "ws", index: 0 }];
  put(".gitignore", "*.tmp\ndist/\n");
  for (const path of ["a.py", ".env", "x.tmp", "dist/deep/b.js"]) put(path, "x");
});

afterEach(() => removeFolder(root));

/** On the disk, and in the editor's view of it. */
function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  state.disk.set(join(root, path), text);
}

async function explain(path: string): Promise<void> {
  await explainPath(fakeDeps().deps, Uri.file(join(root, path)));
}

function ignoreFile(): string | undefined {
  return state.disk.get(join(root, ".sandboxignore"));
}

describe("why a file is sent or not", () => {
  it("offers to exclude what is sent", async () => {
    state.answers = ["Exclude"];
    await explain("a.py");

    expect(state.messages[0]?.message).toMatch(/^a\.py is sent: /);
    expect(ignoreFile()).toBe("/a.py\n");
  });

  it("offers to send what is held back by its name", async () => {
    state.answers = ["Send It Anyway"];
    await explain(".env");

    expect(state.messages[0]?.message).toMatch(/^\.env is not sent: held back because/);
    expect(ignoreFile()).toBe("!/.env\n");
  });

  it("opens the line that leaves it out", async () => {
    state.answers = ["Open the Rule"];
    await explain("x.tmp");

    expect(state.messages[0]?.buttons).toEqual(["Send It Anyway", "Open the Rule"]);
    expect(state.executed[0]).toMatchObject({
      command: "vscode.open",
      args: [{}, { selection: { start: { line: 0 } } }],
    });
    expect(String(state.executed[0]?.args[0])).toMatch(/\.gitignore$/);
  });

  it("names the folder that would have to be sent along", async () => {
    state.answers = ["Send dist/ Anyway"];
    await explain("dist/deep/b.js");

    expect(ignoreFile()).toBe("!/dist/\n");
  });
});
