import { describe, expect, it } from "vitest";
import { findFileMentions, selectionPath } from "../../../../src/ui/terminal/find-links.ts";

describe("findFileMentions finds", () => {
  it.each([
    ['  File "/workspace/pkg/train.py", line 12, in <module>', [{ path: "pkg/train.py", line: 12 }]],
    ['  File "train.py", line 3', [{ path: "train.py", line: 3 }]],
    ['  File "/home/sandbox/workspace/a.py", line 2', [{ path: "a.py", line: 2 }]],
    ["/home/sandbox/workspace/src/a.js:7", [{ path: "src/a.js", line: 7 }]],
    ["    at Object.<anonymous> (/workspace/src/a.js:7:15)", [{ path: "src/a.js", line: 7, column: 15 }]],
    ["./lib/x.rb:4:in `f'", [{ path: "lib/x.rb", line: 4 }]],
    ["/workspace/run.sh: line 9: foo: command not found", [{ path: "run.sh", line: 9 }]],
    ["wrote /workspace/out/plot.png.", [{ path: "out/plot.png" }]],
    [
      "a.py:1 and b.py:2",
      [
        { path: "a.py", line: 1 },
        { path: "b.py", line: 2 },
      ],
    ],
    ['File "/usr/lib/python3/json.py", line 3', []],
    ["nothing at 12:30 here, see https://example.org:80", []],
  ])("%s", (line, expected) => {
    expect(findFileMentions(line).map(({ start: _s, length: _l, ...rest }) => rest)).toEqual(expected);
  });

  it("where in the line it stands", () => {
    const [mention] = findFileMentions("see /workspace/a.py:3");

    expect(mention).toMatchObject({ start: 4, length: 17 });
  });

  it("the file that a selection came from", () => {
    const sent = selectionPath("pkg/train.py", 42);

    expect(sent).toBe("pkg/.sandpiper-selection-42.train.py");
    expect(findFileMentions(`File "/workspace/${sent}", line 5`)).toMatchObject([{ path: "pkg/train.py", line: 5 }]);
  });

  it("its answer in time, whatever the line", () => {
    const startedAt = performance.now();
    findFileMentions("a/".repeat(2500));
    findFileMentions("a.".repeat(2500));

    expect(performance.now() - startedAt).toBeLessThan(1000);
  });
});
