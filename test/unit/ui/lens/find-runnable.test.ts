import { describe, expect, it } from "vitest";
import { findRunnableLines } from "../../../../src/ui/lens/find-runnable.ts";

describe("findRunnableLines", () => {
  it.each([
    ["a Python script at its top", "print(1)\n", "python", "a.py", [0]],
    ["a Python main guard too", "import x\n\nif __name__ == '__main__':\n    x.y()\n", "python", "a.py", [0, 2]],
    ["a guard on the first line once", 'if __name__ == "__main__":\n    1\n', "python", "a.py", [0]],
    ["TypeScript", "console.log(1)", "typescript", "a.ts", [0]],
    ["no declarations", "export {};", "typescript", "a.d.ts", []],
    ["any language with a shebang", "#!/usr/bin/env lua\nprint(1)", "lua", "a", [0]],
    ["no language we do not run", "hello", "plaintext", "a.txt", []],
    ["nothing empty", " \n", "python", "a.py", []],
    ["Go at func main", "package main\n\nfunc main() {\n}\n", "go", "main.go", [2]],
    ["no Go library", "package lib\nfunc main() {}\n", "go", "lib.go", []],
    ["no Go test", "package main\nfunc main() {}\n", "go", "a_test.go", []],
  ])("finds %s", (_, text, languageId, path, expected) => {
    expect(findRunnableLines(text, languageId, path)).toEqual(expected);
  });

  it("does not take a guard in a string of text for one that is not at the start of its line", () => {
    expect(findRunnableLines("x = 1\n  if __name__ == '__main__':\n", "python", "a.py")).toEqual([0]);
  });
});
