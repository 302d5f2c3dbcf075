import { describe, expect, it } from "vitest";
import { padSelection } from "../../../src/ui/pad-selection.ts";

const LINES = ["import os", "def f():", "    a = 1", "    if a:", "        print(a)", "", "f()"];
const at = (startLine: number, startCharacter: number, endLine: number, endCharacter: number) => ({
  start: { line: startLine, character: startCharacter },
  end: { line: endLine, character: endCharacter },
});

describe("padSelection", () => {
  it("keeps every line at its number", () => {
    const { text, firstLine, lastLine } = padSelection(LINES, at(6, 0, 6, 3), "python");

    expect(text).toBe("\n\n\n\n\n\nf()\n");
    expect([firstLine, lastLine]).toEqual([6, 6]);
  });

  it.each([
    ["takes off the indentation that the lines share", at(2, 0, 4, 16), "\n\na = 1\nif a:\n    print(a)\n"],
    ["also when the selection begins within it", at(2, 4, 4, 16), "\n\na = 1\nif a:\n    print(a)\n"],
    ["takes the cursor's line when nothing is selected", at(4, 9, 4, 9), "\n\n\n\nprint(a)\n"],
    ["leaves out a line of which nothing is selected", at(2, 0, 3, 0), "\n\na = 1\n"],
    ["takes a part of a line", at(4, 14, 4, 15), "\n\n\n\na\n"],
    ["takes parts of two lines", at(0, 7, 1, 5), "os\ndef f\n"],
  ])("%s", (_, selection, expected) => {
    expect(padSelection(LINES, selection, "python").text).toBe(expected);
  });

  it("opens PHP on its first line, which keeps the numbers", () => {
    expect(padSelection(["<?php", "echo 1;"], at(1, 0, 1, 7), "php").text).toBe("<?php \necho 1;\n");
  });
});
