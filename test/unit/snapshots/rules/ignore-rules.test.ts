import { spawnSync } from "node:child_process";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readIgnoreRules } from "../../../../src/snapshots/rules/ignore-rules.ts";
import { listFolder, makeFolder, type Planted, plant } from "../temp-folder.ts";

/** Those of the paths that are left out; a slash at the end marks a folder. */
function ignoredOf(root: string, paths: readonly string[]): string[] {
  const rules = readIgnoreRules(root);
  return paths.filter((path) => rules.isIgnored(path.replace(/\/$/, ""), path.endsWith("/")));
}

describe("ignore rules", () => {
  it("take .gitignore files at every level, the deepest last", () => {
    const root = makeFolder({
      ".gitignore": "*.log\n/build\nlib/**/gen\n",
      "sub/.gitignore": "!keep.log\n*.tmp\n/only-here\n",
    });

    const ignored = ignoredOf(root, [
      "a.log",
      "sub/a.log",
      "sub/keep.log",
      "sub/deep/keep.log",
      "build/",
      "sub/build/",
      "a.tmp",
      "sub/a.tmp",
      "only-here",
      "sub/only-here",
      "sub/deep/only-here",
      "lib/x/y/gen/",
    ]);

    expect(ignored).toEqual(["a.log", "sub/a.log", "build/", "sub/a.tmp", "sub/only-here", "lib/x/y/gen/"]);
  });

  it("keep what is in an ignored folder out, whatever a file in there says", () => {
    const root = makeFolder({ ".gitignore": "out/\n!out/keep\n", "out/.gitignore": "!*\n" });

    expect(ignoredOf(root, ["out/keep", "out/deep/x", "out"])).toEqual(["out/keep", "out/deep/x"]);
  });

  it("let .sandboxignore have the last word, in both directions", () => {
    const root = makeFolder({
      ".gitignore": "dist/\n*.dat\n",
      ".sandboxignore": "!dist/\n!sample.dat\nbig/\n",
      "sub/.sandboxignore": "!big/\n",
    });

    const ignored = ignoredOf(root, [
      "dist/",
      "dist/a.js",
      "dist/deep/b.js",
      "dist/x.dat",
      "sample.dat",
      "big/",
      "sub/big/",
    ]);

    expect(ignored).toEqual(["dist/x.dat", "big/"]);
  });

  it("judge on its own what is in a folder that is let in again", () => {
    const root = makeFolder({ ".gitignore": "a [b]\\!/\n*.o\n", ".sandboxignore": "!a*/\n" });

    expect(ignoredOf(root, ["a [b]!/x", "a [b]!/x.o"])).toEqual(["a [b]!/x.o"]);
  });

  it("never let Git's own files through", () => {
    const root = makeFolder({ ".sandboxignore": "!.git\n!.git/**\n" });

    expect(
      ignoredOf(root, [".git/", ".git", ".git/config", "sub/.git", "sub/.git/config", ".GIT/", "git/", ".gitignore"]),
    ).toEqual([".git/", ".git", ".git/config", "sub/.git", "sub/.git/config", ".GIT/"]);
  });

  it.each([
    ".env",
    ".env.local",
    ".env.production",
    "api/.envrc",
    "cert.pem",
    "server.key",
    "store.p12",
    "id_rsa",
    "id_ed25519",
    ".npmrc",
    ".pypirc",
    ".netrc",
    ".aws/credentials",
    ".kube/config",
    ".ssh/config",
    ".gnupg/x",
    ".docker/config.json",
    ".git-credentials",
    ".ENV",
    "ID_RSA",
  ])("hold %s back by its name, and say how to send it (security 16)", (path) => {
    const rules = readIgnoreRules(makeFolder());

    expect(rules.verdict(path, false)).toMatchObject({ kind: "secret" });
    expect(rules.why(path, false)).toMatch(/add the line "!.+" to \.sandboxignore/);
  });

  it.each([
    ".env.example",
    ".env.sample",
    ".env.template",
    ".env.local.example",
    "id_rsa.pub",
    "translations.key",
    "slides.key",
    "config.json",
    "environment.py",
    "credentials.py",
    ".docker/readme",
  ])("do not hold %s back", (path) => {
    expect(readIgnoreRules(makeFolder()).isIgnored(path, false)).toBe(false);
  });

  it.each([
    { line: "!.env", path: ".env" },
    { line: "!.aws/", path: ".aws/credentials" },
    { line: "!/test/*.pem", path: "test/fixture.pem" },
    { line: "!node_modules/", path: "node_modules/a/index.js" },
  ])("send $path when .sandboxignore says $line", ({ line, path }) => {
    const rules = readIgnoreRules(makeFolder({ ".sandboxignore": `${line}\n` }));

    expect(rules.why(path, false)).toBeUndefined();
  });

  it("hold a secret back that .gitignore lets in, as Git is not who asks here (security 16)", () => {
    expect(ignoredOf(makeFolder({ ".gitignore": "!.env\n" }), [".env"])).toEqual([".env"]);
  });

  it("leave out folders that are made for one machine (security 22)", () => {
    expect(
      ignoredOf(makeFolder(), ["node_modules/x.js", "a/.venv/bin/python", "a/__pycache__/x.pyc", "node_modules.md"]),
    ).toEqual(["node_modules/x.js", "a/.venv/bin/python", "a/__pycache__/x.pyc"]);
  });

  it("count those of the repository that the workspace is a part of, and its info/exclude", () => {
    const repository = makeFolder({
      ".gitignore": "*.log\n/pkg/app/only\n/app\n",
      "pkg/.gitignore": "!keep.log\n",
      ".git/info/exclude": "private\n",
      "pkg/app/x": "",
    });

    const ignored = ignoredOf(join(repository, "pkg/app"), ["a.log", "keep.log", "only", "sub/only", "private", "app"]);

    expect(ignored).toEqual(["a.log", "only", "private"]);
  });

  it.each(["scratch/", "/scratch", "scratch/ws", "ws/", "*"])(
    "send what is in a workspace that the repository around it leaves out by %s",
    (line) => {
      const repository = makeFolder({ ".gitignore": `${line}\n*.log\n`, ".git": { folder: true }, "scratch/ws/x": "" });

      const ignored = ignoredOf(join(repository, "scratch/ws"), ["main.py", "a.log"]);

      expect(ignored).toEqual([]);
    },
  );

  it("take no rules from a folder above that has no repository", () => {
    const outer = makeFolder({ ".gitignore": "*\n", "ws/x": "" });

    expect(ignoredOf(join(outer, "ws"), ["x"])).toEqual([]);
  });

  it("take no rules through a link (security 18)", () => {
    const outside = makeFolder({ ".gitignore": "*\n" });
    const root = makeFolder({ out: { link: outside }, ".gitignore": { link: join(outside, ".gitignore") } });

    expect(ignoredOf(root, ["x", "out/x"])).toEqual([]);
  });

  it("are asked about paths that are not on disk, or have a file in a folder's place there", () => {
    const root = makeFolder({ ".gitignore": "*.log\n", a: "a file" });

    expect(ignoredOf(root, ["a/b/c.log", "a/b/c.txt", "not/there.log", "not/there/"])).toEqual([
      "a/b/c.log",
      "not/there.log",
    ]);
  });

  it("name the line and the file that leave a path out", () => {
    const rules = readIgnoreRules(makeFolder({ "sub/.gitignore": "# comment\n*.log\n" }));

    expect(rules.why("sub/a.log", false)).toBe('left out by "*.log" in sub/.gitignore:2');
    expect(rules.why("a.log", false)).toBeUndefined();
  });

  it("agree with git on any tree and any rules", () => {
    const name = fc.constantFrom("a", "b", "c", "x.log", "y.log", "build");
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));
    const line = fc
      .tuple(
        fc.constantFrom("", "", "!"),
        fc.constantFrom("", "/", "**/"),
        fc.constantFrom("a", "b", "*.log", "build", "a/b", "a/*", "**", "b/**", "?", "[ab]"),
        fc.constantFrom("", "/"),
      )
      .map((parts) => parts.join(""));
    const rules = fc.array(line, { maxLength: 5 }).map((lines) => lines.join("\n"));
    const tree = fc.record({
      paths: fc.uniqueArray(path, { minLength: 1, maxLength: 10 }),
      rules: fc.dictionary(fc.constantFrom("", "a/", "b/", "a/b/", "build/"), rules),
    });

    fc.assert(
      fc.property(tree, (sample) => {
        const root = makeFolder();
        plantWhatFits(root, sample);
        const paths = listFolder(root).filter((found) => !found.endsWith(".gitignore"));

        // What `git init` makes, at a tenth of the time.
        plant(root, {
          ".git/HEAD": "ref: refs/heads/main",
          ".git/objects": { folder: true },
          ".git/refs": { folder: true },
        });
        const asked = { cwd: root, input: paths.join("\n") };
        const output = spawnSync("git", ["check-ignore", "--no-index", "--stdin"], asked).stdout;

        const byGit = new Set(String(output).split("\n").filter(Boolean));
        const files = paths.filter((found) => !found.endsWith("/"));
        expect(ignoredOf(root, files)).toEqual(files.filter((found) => byGit.has(found)));
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});

function plantWhatFits(
  root: string,
  sample: { paths: readonly string[]; rules: Readonly<Record<string, string>> },
): void {
  for (const path of sample.paths) tryPlant(root, path, "");
  for (const [folder, text] of Object.entries(sample.rules)) tryPlant(root, `${folder}.gitignore`, text);
}

function tryPlant(root: string, path: string, content: Planted): void {
  try {
    plant(root, { [path]: content });
  } catch {
    // A folder and a file want the same name.
  }
}
