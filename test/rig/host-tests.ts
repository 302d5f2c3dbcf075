import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import { root } from "../../scripts/setup/paths.mjs";
import { startBrowser } from "./chromium.ts";
import { startCodeServer, toEditorUrl, type CodeServer } from "./code-server.ts";
import type { Counts } from "./counts.ts";
import { stopEngine } from "./stop-engine.ts";
import { copySample, makeTempFolder, removeFolder } from "./temp-folder.ts";

const SUITE = join(root, "dist-test/suite.cjs");
const REPORT = join(root, "test-results/ext-host.json");
const TIMEOUT_MS = 240_000;

/** Runs test/integration with mocha inside the extension host of real VS Code, on a copy of the sample. */
export async function runHostTests(): Promise<Counts> {
  await buildSuite();
  rmSync(REPORT, { force: true });
  const folder = makeTempFolder();
  const state = join(folder, "state");
  const server = await startCodeServer({
    folder,
    extension: "none",
    isForHostTests: true,
    env: { SANDPIPER_STATE: state },
  });
  try {
    await runInBrowser(server, makeWorkspaceFile(folder));
  } finally {
    await server.stop();
    await stopEngine(state);
    removeFolder(folder);
  }
  return readReport();
}

/** A window with one folder, to which tests can add others: adding to a window without such a file restarts the host. */
function makeWorkspaceFile(folder: string): string {
  const file = join(folder, "sample.code-workspace");
  writeFileSync(file, JSON.stringify({ folders: [{ path: copySample(folder) }] }));
  return file;
}

async function buildSuite(): Promise<void> {
  await build({
    entryPoints: [join(root, "test/integration/index.ts")],
    outfile: SUITE,
    bundle: true,
    platform: "node",
    target: "node22",
    format: "cjs",
    sourcemap: "inline",
    external: ["vscode", "mocha"],
    logLevel: "warning",
  });
}

async function runInBrowser(server: CodeServer, workspace: string): Promise<void> {
  const browser = await startBrowser();
  try {
    const page = await browser.context.newPage();
    const ended = whenHostEnds(page);
    await page.goto(toEditorUrl(server.authority, workspace, { payload: toPayload(server.authority) }));
    const code = await ended.catch(async (error: unknown) => {
      await page.screenshot({ path: join(root, "test-results/ext-host.png") });
      throw new Error(
        `The extension host did not finish; see test-results/ext-host.png.\n${server.log().slice(-3000)}`,
        {
          cause: error,
        },
      );
    });
    console.log(`The extension host ended with ${code}.`);
  } finally {
    await browser.stop();
  }
}

/** What the workbench takes from its address when it runs for a smoke test: an extension to load and tests to run in it. */
function toPayload(authority: string): string {
  const remote = (path: string) => `vscode-remote://${authority}${path}`;
  return JSON.stringify([
    ["extensionDevelopmentPath", remote(root)],
    ["extensionTestsPath", remote(SUITE)],
    ["skipWelcome", "true"],
    ["skipReleaseNotes", "true"],
  ]);
}

/** Resolves with 0 or 1 when the tests have run. Has to be called before the page is opened. */
function whenHostEnds(page: Page): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`No end after ${TIMEOUT_MS / 1000} s.`)), TIMEOUT_MS);
    page.on("crash", () => reject(new Error("The page crashed.")));
    void page.exposeFunction("codeAutomationExit", (code: number) => {
      clearTimeout(timer);
      resolve(code);
    });
    void page.exposeFunction("codeAutomationLog", (type: string, args: readonly unknown[]) => {
      const line = args.map(String).join(" ");
      // The workbench logs much of its own through the same door; mocha's lines start with a mark.
      if (/^\s*(?:[✓✗-]|\d+ (?:passing|failing|pending))/.test(line))
        console.log(type === "error" ? `! ${line}` : line);
    });
  });
}

/** From mocha's JSON report. The suite itself prints what failed. */
function readReport(): Counts {
  if (!existsSync(REPORT)) throw new Error("The tests in the extension host left no report.");
  const stats = property(JSON.parse(readFileSync(REPORT, "utf8")), "stats");
  const count = (name: string) => Number(property(stats, name));
  return { passed: count("passes"), failed: count("failures"), skipped: count("pending") };
}

function property(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !(name in value)) throw new Error(`The report has no "${name}".`);
  return Reflect.get(value, name);
}
