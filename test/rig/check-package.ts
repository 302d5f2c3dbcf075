import { statSync } from "node:fs";
import { join } from "node:path";
import { root, toolNode } from "../../scripts/setup/paths.mjs";
import { runCommand } from "../../scripts/setup/run-command.mjs";
import type { Counts } from "./counts.ts";
import { makeTempFolder, removeFolder } from "./temp-folder.ts";

const BUDGET_BYTES = 5 * 1024 * 1024;
const VSCE = join(root, "node_modules/@vscode/vsce/vsce");

/** What may be in the package; all else is a mistake in .vscodeignore. */
const ALLOWED =
  /^(?:package\.json|README\.md|CHANGELOG\.md|LICENSE(?:\.txt)?|(?:l10n|language)\/[^/]+\.json|package\.nls[^/]*\.json|media\/[^/]+\.(?:svg|png)|media\/walkthrough\/[^/]+|dist\/(?:extension\.cjs|(?:cli|engine|scan-worker|secret-worker|seatbelt-runner)\.js|third-party-notices\.txt|chunks\/[^/]+\.c?js|webview\/[^/]+\.(?:js|css)|vendor\/.+))$/;
const REQUIRED = [
  "package.json",
  "README.md",
  "CHANGELOG.md",
  "dist/extension.cjs",
  "dist/cli.js",
  "dist/engine.js",
  "dist/scan-worker.js",
  "dist/seatbelt-runner.js",
  "dist/secret-worker.js",
  "dist/third-party-notices.txt",
  "dist/webview/batch-table.css",
  "dist/webview/batch-table.js",
  "dist/webview/cell-results.css",
  "dist/webview/cell-results.js",
];

/** Packages the extension as it is released. @returns the path of the .vsix, in `folder` */
export async function buildPackage(folder: string): Promise<string> {
  const path = join(folder, "sandpiper.vsix");
  const options = ["--no-dependencies", "--allow-missing-repository", "--no-rewrite-relative-links"];
  await runCommand([toolNode(), VSCE, "package", ...options, "--out", path], { cwd: root });
  return path;
}

/** Checks what is in the package, how large it is, and that the command line in it runs away from the checkout. */
export async function checkPackage(): Promise<Counts> {
  const folder = makeTempFolder();
  const checks: Record<string, () => Promise<string | undefined>> = {
    "holds what it should and nothing else": findWrongFiles,
    "is within its budget": () => findExcess(folder),
    "has a command line that runs without node_modules": () => tryCommandLine(folder),
  };
  let failed = 0;
  for (const [name, run] of Object.entries(checks)) {
    const problem = await run().catch((error: unknown) => String(error));
    if (problem !== undefined) failed += 1;
    console.log(problem === undefined ? `✓ the package ${name}` : `✗ the package ${name}: ${problem}`);
  }
  removeFolder(folder);
  return { passed: Object.keys(checks).length - failed, failed, skipped: 0 };
}

async function findWrongFiles(): Promise<string | undefined> {
  const output = await runCommand([toolNode(), VSCE, "ls", "--no-dependencies"], { cwd: root });
  const files = output.split("\n").filter((line) => line !== "");
  const wrong = files.filter((file) => !ALLOWED.test(file));
  const missing = REQUIRED.filter((file) => !files.includes(file));
  if (wrong.length > 0) return `it also holds ${wrong.join(", ")}`;
  return missing.length > 0 ? `it lacks ${missing.join(", ")}` : undefined;
}

async function findExcess(folder: string): Promise<string | undefined> {
  const { size } = statSync(await buildPackage(folder));
  console.log(`The .vsix has ${(size / 1024).toFixed(0)} KB.`);
  return size > BUDGET_BYTES ? `it has ${size} bytes, over ${BUDGET_BYTES}` : undefined;
}

async function tryCommandLine(folder: string): Promise<string | undefined> {
  await runCommand(["python3", "-m", "zipfile", "-e", join(folder, "sandpiper.vsix"), folder]);
  const help = await runCommand([toolNode(), join(folder, "extension/dist/cli.js"), "--help"], { cwd: folder });
  return help.includes("sandpiper run") ? undefined : `--help says: ${help}`;
}
