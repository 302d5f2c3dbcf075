import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root, toolNode } from "../../scripts/setup/paths.mjs";

// A check of the architecture is worth what it can catch: each folder rule of the real configuration has to fail here.

/** A file and something it may not import -> the words that say so. */
const BANS: readonly (readonly [file: string, imported: string, message: string])[] = [
  ...["core", "providers", "snapshots", "sessions", "host"].map(
    (folder) => [`src/${folder}/a.ts`, "vscode", "Only src/ui and src/extension.ts know VS Code."] as const,
  ),
  ["src/cli.ts", "vscode", "Only src/ui and src/extension.ts know VS Code."],
  ["src/cli/a.ts", "vscode", "Only src/ui and src/extension.ts know VS Code."],
  ["src/engine.ts", "vscode", "Only src/ui and src/extension.ts know VS Code."],
  ...["providers", "snapshots", "sessions", "host", "ui"].map(
    (folder) => ["src/core/a.ts", `../${folder}/b.ts`, "core imports nothing of ours."] as const,
  ),
  ...["snapshots", "sessions", "host", "ui"].map(
    (folder) => ["src/providers/a/a.ts", `../../${folder}/b.ts`, "providers know core alone."] as const,
  ),
  ...["providers", "sessions", "host", "ui"].map(
    (folder) => ["src/snapshots/a.ts", `../${folder}/b.ts`, "snapshots know core alone."] as const,
  ),
  ...["host", "ui"].map(
    (folder) => ["src/sessions/a.ts", `../${folder}/b.ts`, "sessions are below host and ui."] as const,
  ),
  ...["providers", "snapshots", "ui"].map(
    (folder) => ["src/host/a.ts", `../${folder}/b.ts`, "host carries the engine between processes"] as const,
  ),
  ["src/cli/a.ts", "../ui/b.ts", "ui is the outermost layer."],
  ["src/ui/views/a.ts", "../../providers/local/b.ts", "ui reaches providers through the engine."],
  ...["vscode", "node:fs", "../../run-store.ts"].map(
    (imported) =>
      ["src/ui/batch/webview/a.ts", imported, "A web view knows the messages that it is sent alone."] as const,
  ),
];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sandpiper-lint-"));
  cpSync(join(root, ".oxlintrc.json"), join(folder, ".oxlintrc.json"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function lint(file: string, text: string): { readonly code: number | null; readonly output: string } {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  const oxlint = join(root, "node_modules/oxlint/bin/oxlint");
  const { status, stdout } = spawnSync(toolNode(), [oxlint, "--format", "json", file], {
    cwd: folder,
    encoding: "utf8",
  });
  rmSync(path);
  return { code: status, output: stdout };
}

describe("the folder rules", () => {
  it.each(BANS)("stop %s from importing %s", (file, imported, message) => {
    const { code, output } = lint(file, `import { x } from "${imported}";\n\nexport const y = x;\n`);

    expect(output).toContain(message);
    expect(code).not.toBe(0);
  });

  it.each([
    ["src/ui/a.ts", "vscode"],
    ["src/ui/batch/webview/a.ts", "../batch-messages.ts"],
    ["src/extension.ts", "vscode"],
    ["src/sessions/a.ts", "../providers/registry.ts"],
    ["src/host/a.ts", "../sessions/engine.ts"],
    ["src/cli.ts", "./host/client.ts"],
  ])("let %s import %s", (file, imported) => {
    const { code, output } = lint(file, `import { x } from "${imported}";\n\nexport const y = x;\n`);

    expect(output).not.toContain("no-restricted-imports");
    expect(code).toBe(0);
  });
});

describe("the other rules", () => {
  it.each([
    ["a default export", "export default 1;\n", "no-default-export"],
    ["console in the product", 'console.log("x");\nexport const a = 1;\n', "no-console"],
    ["any", "export const a: any = 1;\n", "no-explicit-any"],
    ["a non-null assertion", "export const f = (a?: string): string => a!;\n", "no-non-null-assertion"],
  ])("catch %s", (_, text, rule) => {
    const { code, output } = lint("src/core/a.ts", text);

    expect(output).toContain(rule);
    expect(code).not.toBe(0);
  });
});
