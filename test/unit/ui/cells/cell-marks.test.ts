import { beforeEach, describe, expect, it } from "vitest";
import { URI } from "../../../fakes/uri.ts";
import { editorChanged, fakeDocument, fakeEditor, resetFake, state } from "../../../fakes/vscode.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";
import { settle } from "../fake-engine.ts";

beforeEach(() => resetFake({ ...SETTINGS }));

function show(text: string, path = "/ws/plot.py") {
  const editor = fakeEditor(fakeDocument(URI.file(path), text));
  state.visibleEditors = [editor];
  state.activeEditor = { document: editor.document, selection: { start: LINE, end: LINE } };
  editorChanged.fire();
  return editor;
}

const LINE = { line: 0, character: 0 };

describe("marks of cells", () => {
  it("stand above each cell but the first line, and tell menus and keys that there are cells", async () => {
    fakeDeps();
    const editor = show("# %%\na\n# %% b\nb\n");
    await expect.poll(() => editor.marked).toEqual([2]);

    expect(state.executed).toEqual([{ command: "setContext", args: ["sandpiper.hasCells", true] }]);
  });

  it("go when the editor shows a file without cells", async () => {
    fakeDeps();
    const first = show("# %%\na\n# %%\nb\n");
    await expect.poll(() => first.marked).toEqual([2]);
    show("a = 1\n");

    await expect.poll(() => state.executed.at(-1)?.args).toEqual(["sandpiper.hasCells", false]);
  });

  it("cost nothing where there are no cells", async () => {
    fakeDeps();
    const editor = show("print(1)\n# 50 %% off\n");
    await settle();

    expect([editor.marked, state.executed]).toEqual([[], []]);
  });
});
