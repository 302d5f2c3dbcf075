import { describe, expect, it } from "vitest";
import { DEFAULT_TARGET } from "../../../src/sessions/default-target.ts";
import { parseShebang, resolveLanguage, toInterpreterName } from "../../../src/sessions/languages.ts";
import { explainMissingProgram } from "../../../src/sessions/run-command.ts";

describe("what runs a file", () => {
  it.each([
    ["train.py", ["python3", "-u"]],
    ["a/b/index.JS", ["node"]],
    ["x.mjs", ["node"]],
    ["x.sh", ["sh"]],
    ["x.rb", ["ruby"]],
    ["x.go", ["go", "run"]],
    ["plot.R", ["Rscript"]],
    ["x.php", ["php"]],
    ["x.pl", ["perl"]],
  ])("is told by the extension of %s", (path, argv) => {
    expect(resolveLanguage(path, "", {})).toEqual(argv);
  });

  it("prefers tsx for TypeScript and falls back to Node's type stripping", () => {
    const argv = resolveLanguage("x.ts", "", {});

    expect(argv.slice(0, 2)).toEqual(["sh", "-c"]);
    expect(argv[2]).toMatch(/command -v tsx.*exec tsx.*exec node --experimental-strip-types/);
    expect(toInterpreterName([...argv, "x.ts"])).toBe("node");
    expect(explainMissingProgram([...argv, "x.ts"], { kind: "exited", code: 9 }, DEFAULT_TARGET)).toMatch(
      /Node 22\.6.*Install a newer Node/,
    );
  });

  it("is told by the first line before the extension", () => {
    expect(resolveLanguage("x.py", "#!/usr/bin/env pypy3", {})).toEqual(["pypy3"]);
    expect(resolveLanguage("tool", "#!/bin/bash -e", {})).toEqual(["bash", "-e"]);
  });

  it("is told by the user: a glob before the first line, an extension after it", () => {
    const overrides = { "scripts/**": ["uv", "run"], ".py": ["python3.12"] };

    expect(resolveLanguage("scripts/deep/x.py", "#!/bin/sh", overrides)).toEqual(["uv", "run"]);
    expect(resolveLanguage("x.py", "#!/bin/sh", overrides)).toEqual(["sh"]);
    expect(resolveLanguage("x.py", "", overrides)).toEqual(["python3.12"]);
    expect(resolveLanguage("Makefile.x", "", { "Makefile*": ["make", "-f"] })).toEqual(["make", "-f"]);
  });

  it("is unknown for other files, and says what to do", () => {
    expect(() => resolveLanguage("a.xyz", "", {})).toThrow(
      /does not know how to run a\.xyz.*sandpiper\.run\.languages/,
    );
    expect(() => resolveLanguage("LICENSE", "", {})).toThrow(/files without an extension/);
  });
});

describe("a first line", () => {
  it.each([
    ["#!/usr/bin/python3 -u", ["python3", "-u"]],
    ["#! /bin/sh", ["sh"]],
    ["#!/bin/bash\r", ["bash"]],
    ["#!/usr/bin/env node", ["node"]],
    ["#!/usr/bin/env -S node --no-warnings -r x", ["node", "--no-warnings", "-r", "x"]],
    ["#!/usr/bin/env -S FOO=1 deno run", ["env", "FOO=1", "deno", "run"]],
    ["#!/usr/bin/awk -f -v", ["awk", "-f -v"]],
    ["import os", undefined],
    ["#!", undefined],
    ["#!/usr/bin/env", undefined],
    ["", undefined],
  ])("%j means %j", (line, argv) => {
    expect(parseShebang(line)).toEqual(argv);
  });
});
