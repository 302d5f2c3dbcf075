import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkWorkspacePath, comparePaths, toDisplay, whyUnsafePath } from "../../../src/core/workspace-path.ts";

describe("workspace paths", () => {
  it.each(["a", "a/b.txt", ".hidden", "..a", "a..", "a b/ü.txt", "new\nline", "C:x", "a\\b", "nul"])(
    "accepts %j on POSIX",
    (path) => {
      expect(whyUnsafePath(path, "linux")).toBeUndefined();
    },
  );

  it.each([
    ["", "empty"],
    ["/etc/cron.d/x", "absolute"],
    ["../x", '".."'],
    ["a/../../x", '".."'],
    ["./a", '"."'],
    ["a//b", "empty part"],
    ["a/", "empty part"],
    ["a\0b", "NUL"],
    ["x".repeat(256), "255 bytes"],
    [Array.from({ length: 300 }, () => "d").join("/"), "folders deep"],
    ["ü".repeat(5000), "4096 bytes"],
  ])(
    "refuses %j, which would leave the workspace or no file system could hold (security 1, 2, 9, 11)",
    (path, reason) => {
      expect(whyUnsafePath(path, "linux")).toContain(reason);
    },
  );

  it.each(["C:\\x", "C:x", "\\\\server\\share", "a:stream", "con", "NUL.txt", "lpt1", "trailing.", "trailing ", "a?b"])(
    "refuses %j on Windows, where it means something else (security 2, 8)",
    (path) => {
      expect(whyUnsafePath(path, "win32")).toBeDefined();
    },
  );

  it("never accepts a path that leaves the workspace, whatever it is made of", () => {
    const part = fc.constantFrom("..", ".", "", "a", "b c", "ü", "\0", "con");
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const path = parts.join("/");
        if (whyUnsafePath(path, "linux") !== undefined) return;
        const resolved = new URL(`file:///root/${path.split("/").map(encodeURIComponent).join("/")}`).pathname;
        expect(resolved.startsWith("/root/")).toBe(true);
      }),
    );
  });

  it("names the reason and shows the path escaped when it refuses", () => {
    expect(() => checkWorkspacePath("../\u001b[31m\u202Ex")).toThrow(
      '../\\u{1b}[31m\\u{202e}x is refused: it has a ".." part',
    );
  });

  it("cuts long names for display", () => {
    expect(toDisplay("x".repeat(500))).toHaveLength(201);
  });

  it("orders paths by their UTF-8 bytes, not by UTF-16 units", () => {
    expect(["\u{1F600}", "\uFFFD", "a"].toSorted(comparePaths)).toEqual(["a", "\uFFFD", "\u{1F600}"]);
  });
});
