import { beforeEach, describe, expect, it } from "vitest";
import * as vscode from "vscode";
import { ignoreCompletion } from "../../../../src/ui/ignore/complete-ignore.ts";
import { fakeDocument, resetFake, state } from "../../../fakes/vscode.ts";
import { URI } from "../../../fakes/uri.ts";

beforeEach(() => {
  resetFake();
  for (const path of ["/ws/.git/HEAD", "/ws/src/a [1].py", "/ws/src/lib/b.py", "/ws/#notes", "/ws/run.py"])
    state.disk.set(path, "");
});

async function complete(line: string): Promise<readonly vscode.CompletionItem[]> {
  const document = fakeDocument(URI.file("/ws/.sandboxignore"), line);
  const at = new vscode.Position(0, line.length);
  const none = { isCancellationRequested: false, onCancellationRequested: () => ({ dispose: () => undefined }) };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as much of a document as the provider asks for
  const items = await ignoreCompletion.provideCompletionItems(document as unknown as vscode.TextDocument, at, none, {
    triggerKind: 0,
    triggerCharacter: undefined,
  });
  return Array.isArray(items) ? items : [];
}

describe("completion in .sandboxignore", () => {
  it("offers what is in the folder, and common patterns", async () => {
    const labels = (await complete("")).map(({ label }) => label);

    expect(labels).toEqual(expect.arrayContaining(["src/", "run.py", "*.log", "!.env"]));
    expect(labels).not.toContain(".git/");
  });

  it("offers what is below the folder that was typed, escaped", async () => {
    const items = await complete("!/src/");

    expect(items.map(({ label, insertText }) => [label, insertText])).toEqual([
      ["a [1].py", String.raw`a \[1].py`],
      ["lib/", "lib/"],
    ]);
  });

  it("escapes what would begin a comment", async () => {
    const items = await complete("");

    expect(items.find(({ label }) => label === "#notes")?.insertText).toBe(String.raw`\#notes`);
  });

  it.each(["# a comment ", "nowhere/"])("offers nothing behind %j", async (line) => {
    expect(await complete(line)).toEqual([]);
  });
});
