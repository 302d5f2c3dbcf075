import { describe, expect, it } from "vitest";
import type { Entry } from "../../../../src/snapshots/manifest.ts";
import { createObjectStore } from "../../../../src/snapshots/store/object-store.ts";
import { whyProtectedManifest } from "../../../../src/snapshots/changes/protected-manifest.ts";
import { whyProtectedPath } from "../../../../src/snapshots/changes/protected-path.ts";
import { makeFolder } from "../temp-folder.ts";

describe("whyProtectedPath", () => {
  it.each([
    ".git/hooks/pre-commit",
    "sub/.git/config",
    ".GIT/config",
    ".g\u200cit/config",
    "GIT~1/config",
    ".githooks/pre-push",
    ".husky/pre-commit",
    "lefthook.yml",
    ".lefthook-local.toml",
    ".pre-commit-config.yaml",
    ".vscode/tasks.json",
    ".VSCode/tasks.json",
    "pkg/.vscode/settings.json",
    "my.code-workspace",
    ".idea/workspace.xml",
    "eslint.config.mjs",
    "pkg/.eslintrc.js",
    ".prettierrc",
    "crate/build.rs",
    ".devcontainer/devcontainer.json",
    ".devcontainer.json",
    ".mcp.json",
    ".cursor/mcp.json",
    ".claude/settings.json",
    "CLAUDE.md",
    "pkg/AGENTS.md",
    ".cursorrules",
    ".clinerules/rules.md",
    ".github/copilot-instructions.md",
    ".github/instructions/style.instructions.md",
    ".github/workflows/ci.yml",
    ".gitlab-ci.yml",
    ".env",
    ".env.local",
    "api/.envrc",
    ".tool-versions",
    "mise.toml",
    ".mise.local.toml",
    ".config/mise/config.toml",
    ".bashrc",
    ".zshenv",
    ".profile",
    ".npmrc",
    ".pnpmfile.cjs",
    ".yarn/releases/yarn-4.0.0.cjs",
    ".pypirc",
    ".gdbinit",
    ".ssh/config",
    ".sandboxignore",
  ])("has a reason for %s (security 10)", (path) => {
    expect(whyProtectedPath(path)).toMatch(/^[a-z].*[a-z]$/i);
  });

  it.each([
    "train.py",
    "Makefile",
    "package.json",
    "conftest.py",
    "pyproject.toml",
    ".github/CODEOWNERS",
    ".gitignore",
    "git/x",
    "vscode/x",
    "env.py",
    "docs/.keep",
    "eslint.config.md/x",
    "agents/readme.md",
    "src/build.rs.txt",
    "promise.toml",
  ])("has none for %s", (path) => {
    expect(whyProtectedPath(path)).toBeUndefined();
  });

  it("says what the file does", () => {
    expect(whyProtectedPath(".bashrc")).toBe("it says what your shell runs, or what it takes into its environment");
    expect(whyProtectedPath("AGENTS.md")).toBe("agents follow it by themselves");
  });
});

describe("whyProtectedManifest", () => {
  const scripts = { test: "vitest", build: "tsc" };
  const plain = { name: "sample", version: "1.0.0", scripts };

  it.each([
    { what: "another script", from: plain, to: { ...plain, scripts: { ...scripts, postinstall: "curl x | sh" } } },
    { what: "a changed script", from: plain, to: { ...plain, scripts: { ...scripts, test: "rm -rf ~" } } },
    { what: "hooks of Git", from: plain, to: { ...plain, "simple-git-hooks": { "pre-commit": "x" } } },
    { what: "another package manager", from: plain, to: { ...plain, packageManager: "evil@1.0.0" } },
    { what: "a manifest that is new and has scripts", from: undefined, to: plain },
    { what: "one that cannot be read", from: plain, to: "{ nonsense" },
    { what: "one that could not be read before either", from: "{ nonsense", to: "{ other nonsense" },
    { what: "one that is no object", from: plain, to: "[]x" },
  ])("has a reason for $what", async ({ from, to }) => {
    expect(await why("package.json", from, to)).toMatch(/by themselves$/);
    expect(await why("packages/a/PACKAGE.json", from, to)).toMatch(/by themselves$/);
  });

  it.each([
    { what: "another version", from: plain, to: { ...plain, version: "2.0.0", dependencies: { a: "1" } } },
    { what: "scripts in another order", from: plain, to: { ...plain, scripts: { build: "tsc", test: "vitest" } } },
    { what: "one that is deleted", from: plain, to: undefined },
    { what: "a new one without scripts", from: undefined, to: { name: "sample" } },
  ])("has none for $what", async ({ from, to }) => {
    expect(await why("package.json", from, to)).toBeUndefined();
  });

  it("has none for other files, whatever is in them", async () => {
    expect(await why("data.json", {}, plain)).toBeUndefined();
  });

  it("has a reason where the content is not kept, and where a link is in its place", async () => {
    const store = createObjectStore(makeFolder());
    const missing: Entry = { type: "file", sha256: "0".repeat(64), sizeBytes: 5, executable: false };

    expect(await whyProtectedManifest({ path: "package.json", theirs: missing }, store)).toBeDefined();
    expect(
      await whyProtectedManifest({ path: "package.json", theirs: { type: "link", target: "x" } }, store),
    ).toBeDefined();
  });
});

type Manifest = object | string | undefined;

async function why(path: string, from: Manifest, to: Manifest): Promise<string | undefined> {
  const store = createObjectStore(makeFolder());
  const keep = async (value: Manifest): Promise<Entry | undefined> => {
    if (value === undefined) return undefined;
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return { type: "file", ...(await store.put([Buffer.from(text)])), executable: false };
  };
  const [base, theirs] = [await keep(from), await keep(to)];
  return await whyProtectedManifest({ path, ...(base ? { base } : {}), ...(theirs ? { theirs } : {}) }, store);
}
