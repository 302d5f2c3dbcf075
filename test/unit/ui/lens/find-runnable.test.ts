import { describe, expect, it } from "vitest";
import { findRunnableLines } from "../../../../src/ui/lens/find-runnable.ts";

describe("findRunnableLines", () => {
  it.each([
    { name: "a Python script at its top", text: "print(1)\n", languageId: "python", path: "a.py", lines: [0] },
    {
      name: "a Python main guard too",
      text: "import x\n\nif __name__ == '__main__':\n    x.y()\n",
      languageId: "python",
      path: "a.py",
      lines: [0, 2],
    },
    {
      name: "a guard on the first line once",
      text: 'if __name__ == "__main__":\n    1\n',
      languageId: "python",
      path: "a.py",
      lines: [0],
    },
    { name: "TypeScript", text: "console.log(1)", languageId: "typescript", path: "a.ts", lines: [0] },
    { name: "no declarations", text: "export {};", languageId: "typescript", path: "a.d.ts", lines: [] },
    {
      name: "any language with a shebang",
      text: "#!/usr/bin/env lua\nprint(1)",
      languageId: "lua",
      path: "a",
      lines: [0],
    },
    { name: "no language we do not run", text: "hello", languageId: "plaintext", path: "a.txt", lines: [] },
    { name: "nothing empty", text: " \n", languageId: "python", path: "a.py", lines: [] },
    {
      name: "Go at func main",
      text: "package main\n\nfunc main() {\n}\n",
      languageId: "go",
      path: "main.go",
      lines: [2],
    },
    { name: "no Go library", text: "package lib\nfunc main() {}\n", languageId: "go", path: "lib.go", lines: [] },
    { name: "no Go test", text: "package main\nfunc main() {}\n", languageId: "go", path: "a_test.go", lines: [] },
  ])("finds $name", ({ text, languageId, path, lines }) => {
    expect(findRunnableLines(text, languageId, path)).toEqual(lines);
  });

  it("does not take a guard in a string of text for one that is not at the start of its line", () => {
    expect(findRunnableLines("x = 1\n  if __name__ == '__main__':\n", "python", "a.py")).toEqual([0]);
  });
});
