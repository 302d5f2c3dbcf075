import { beforeEach, describe, expect, it } from "vitest";
import * as vscode from "vscode";
import { listCellLenses } from "../../../../src/ui/cells/cell-lenses.ts";
import { resetFake, state } from "../../../fakes/vscode.ts";
import { SETTINGS } from "../command-deps.ts";

beforeEach(() => resetFake({ ...SETTINGS }));

function lenses(text: string, uri = vscode.Uri.file("/ws/plot.py")) {
  return listCellLenses({ uri, getText: () => text }).map(({ range, command }) => [
    range.start.line,
    command?.title.replace("$(play)\u00a0", ""),
    command?.arguments?.[1],
  ]);
}

describe("listCellLenses", () => {
  it("offers to run each cell with code, and those above it where there are some", () => {
    expect(lenses("# %%\na\n# %%\n\n# %% [markdown]\n# b\n#%%\nc\n")).toEqual([
      [0, "Run Cell", 0],
      [6, "Run Cell", 6],
      [6, "Run Above", 6],
    ]);
  });

  it("counts what stands before the first marker as above it", () => {
    expect(lenses("import a\n# %%\nb\n")).toEqual([
      [1, "Run Cell", 1],
      [1, "Run Above", 1],
    ]);
  });

  it("offers nothing when the setting says so, nor in what only shows another file", () => {
    expect(lenses("# %%\na", vscode.Uri.parse("git://x/ws/plot.py"))).toEqual([]);
    state.settings["sandpiper.codeLens.enabled"] = false;
    expect(lenses("# %%\na")).toEqual([]);
  });
});
