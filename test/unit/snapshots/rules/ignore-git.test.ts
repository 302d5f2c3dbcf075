import { spawnSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readIgnoreRules } from "../../../../src/snapshots/rules/ignore-rules.ts";
import { listFolder, makeFolder, type Planted, plant } from "../temp-folder.ts";

/** What `git init` makes, at a tenth of the time. */
const REPOSITORY = {
  ".git/HEAD": "ref: refs/heads/main",
  ".git/objects": { folder: true },
  ".git/refs": { folder: true },
} as const;

const NAMES = ["a", "b", "ab", "abc", "A", "é", "a b", "x.log", "*", "b ", "[", "#a", "!a", "a\\", "a]", "-", "π.log"];
const TOKENS = [" ", "\\ ", "\t", "\r"].concat(
  String.raw`a b * ? / ! # [ ] - \ A é ^ ** **/ /** x.log *.log a/b \* \! \# \[ [ab] [!a] [^b] [a-c] [A-] []a] [[:alpha:]] [[:upper:]] [[:x:]] [[:alpha] [\a-c]`.split(
    " ",
  ),
);

const pattern = fc
  .tuple(
    fc.constantFrom("", "", "", "!", "/", "**/"),
    fc.array(fc.constantFrom(...TOKENS), { minLength: 1, maxLength: 5 }),
    fc.constantFrom("", "", "/", " ", "/**", "/*"),
  )
  .map(([start, tokens, end]) => start + tokens.join("") + end);
const rules = fc
  .tuple(
    fc.constantFrom("", "", "\ufeff"),
    fc.array(pattern, { minLength: 1, maxLength: 6 }),
    fc.constantFrom("\n", "\r\n"),
  )
  .map(([mark, lines, ending]) => mark + lines.join(ending));
const path = fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));

describe("ignore rules", () => {
  it("agree with git on every path, and on the line that decides, for any tree and any patterns", () => {
    const tree = fc.record({
      paths: fc.uniqueArray(path, { minLength: 1, maxLength: 12 }),
      rules: fc.dictionary(fc.constantFrom("", "a/", "ab/", "a/b/", "é/"), rules),
      exclude: fc.option(rules, { nil: undefined }),
      user: fc.option(rules, { nil: undefined }),
    });

    fc.assert(
      fc.property(tree, (sample) => {
        const root = makeFolder();
        plant(root, { ...REPOSITORY, ".git/config": `[Core]\n\texcludesFile = ${root}/.git/mine ; the user's\n` });
        for (const at of sample.paths) tryPlant(root, at, "");
        for (const [folder, text] of Object.entries(sample.rules)) tryPlant(root, `${folder}.gitignore`, text);
        if (sample.exclude !== undefined) plant(root, { ".git/info/exclude": sample.exclude });
        if (sample.user !== undefined) plant(root, { ".git/mine": sample.user });
        const files = listFolder(root).filter((found) => !found.endsWith("/") && !/(?:^|\/)\.git/.test(found));

        expect(askUs(root, files)).toEqual(askGit(root, files));
      }),
      { numRuns: 150 },
    );
  }, 120_000);

  it("take info/exclude from the repository that a worktree or a submodule belongs to", () => {
    const main = makeFolder({
      ...REPOSITORY,
      ".git/info/exclude": "private\n",
      ".git/worktrees/w/commondir": "../..\n",
      ".git/modules/m/info/exclude": "own\n",
    });
    const worktree = makeFolder({ ".git": `gitdir: ${join(main, ".git/worktrees/w")}\n` });
    plant(main, { "m/.git": "gitdir: ../.git/modules/m\n", "m/x": "" });

    expect(readIgnoreRules(worktree).isIgnored("private", false)).toBe(true);
    expect(readIgnoreRules(join(main, "m")).isIgnored("own", false)).toBe(true);
    expect(readIgnoreRules(join(main, "m")).isIgnored("private", false)).toBe(false);
  });

  it("take the user's own file from what the configuration includes, through a link too", () => {
    const root = makeFolder({
      ...REPOSITORY,
      ".git/config": '[include]\n  path = more.config\n[core "other"]\n  excludesFile = wrong\n',
      ".git/more.config": '[core]\n  excludesfile = "linked" # quoted\n',
      ".git/mine": "mine.txt\n",
    });
    symlinkSync(join(root, ".git/mine"), join(root, ".git/linked"));

    expect(readIgnoreRules(root).why("mine.txt", false)).toMatch(/^left out by "mine\.txt" in .*\.git\/mine:1$/);
  });
});

function askUs(root: string, files: readonly string[]): readonly string[] {
  const ignoreRules = readIgnoreRules(root);
  return files.flatMap((file) => {
    const [, source = "", line] = /" in (.*):(\d+)$/.exec(ignoreRules.why(file, false) ?? "") ?? [];
    return line === undefined ? [] : [`${file} ${source.replace(`${root}/`, "")}:${line}`];
  });
}

function askGit(root: string, files: readonly string[]): readonly string[] {
  const args = ["check-ignore", "--no-index", "-z", "--stdin", "--verbose", "--non-matching"];
  const { stdout, status } = spawnSync("git", args, { cwd: root, input: files.join("\0"), encoding: "utf8" });
  if (status !== 0 && status !== 1) throw new Error("git could not be asked.");
  const fields = stdout.split("\0");
  return files.flatMap((_, at) => {
    const [source = "", line = "", text = "", file = ""] = fields.slice(4 * at, 4 * at + 4);
    if (source === "" || text.startsWith("!")) return [];
    return [`${file} ${source.replace(`${root}/`, "")}:${line}`];
  });
}

function tryPlant(root: string, at: string, content: Planted): void {
  try {
    plant(root, { [at]: content });
  } catch {
    // A folder and a file want the same name.
  }
}
