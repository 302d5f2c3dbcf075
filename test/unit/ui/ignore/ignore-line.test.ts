import fc from "fast-check";
import ignore from "ignore";
import { describe, expect, it } from "vitest";
import { addLines } from "../../../../src/ui/ignore/change-ignore-file.ts";
import { toExcludeLine, toIncludeLine } from "../../../../src/ui/ignore/ignore-line.ts";

const name = fc
  .stringMatching(/^[ !#*?[\]\\a-c.]{1,6}$/)
  .filter((each) => !/^\.+$/.test(each) && each.trim() !== "" && !each.includes("\\"));

const exclude = (path: string) => ({ path, isFolder: false, verdict: "exclude" }) as const;
const include = (path: string) => ({ path, isFolder: false, verdict: "include" }) as const;

describe("a line of an ignore file", () => {
  it("leaves out the path that it was made for, and no other", () => {
    fc.assert(
      fc.property(name, name, (path, other) => {
        fc.pre(path !== other);
        const rules = ignore().add(toExcludeLine(path, false));

        expect(rules.ignores(path)).toBe(true);
        expect(rules.ignores(other)).toBe(false);
        expect(rules.ignores(`below/${path}`)).toBe(false);
      }),
    );
  });

  it("lets through what an earlier one leaves out", () => {
    fc.assert(
      fc.property(name, (path) => {
        const rules = ignore().add(["*", toIncludeLine(path, false)]);

        expect(rules.ignores(path)).toBe(false);
      }),
    );
  });

  it("of a folder ends in a slash", () => {
    expect(toExcludeLine("a b/[x]", true)).toBe(String.raw`/a b/\[x]/`);
  });
});

describe("adding lines", () => {
  it.each([
    ["to nothing", "", [exclude("a")], "/a\n"],
    ["behind what is there", "# mine\n*.log", [exclude("a")], "# mine\n*.log\n/a\n"],
    ["in place of their opposites", "/a\n*.log\n", [include("a")], "*.log\n!/a\n"],
    ["at the end, where they win, although they are there", "/a\n!*\n", [exclude("a")], "!*\n/a\n"],
    ["with the file's own line ends", "x\r\ny\r\n", [exclude("a")], "x\r\ny\r\n/a\r\n"],
  ])("%s", (_, text, changes, expected) => {
    expect(addLines(text, changes)).toBe(expected);
  });
});
