// Opens VS Code with the extension on a copy of the sample: the second half of `npm start`, see scripts/start.mjs.
//   --desktop CODE  the desktop editor
//   --headless      does the main job in a browser without a window, and says what it saw
//   --serve         after that, goes on serving
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/setup/paths.mjs";
import { toPlainEnv } from "../../scripts/setup/run-command.mjs";
import { toSeconds } from "../../scripts/setup/step.mjs";
import { runMainJob, type MainJobReport } from "../e2e/main-job.ts";
import { Workbench } from "../e2e/pages/workbench.ts";
import { startBrowser } from "./chromium.ts";
import { startCodeServer, toEditorUrl, type CodeServer } from "./code-server.ts";
import { stopEngine } from "./stop-engine.ts";
import { copySample, makeTempFolder, removeFolder } from "./temp-folder.ts";

const SCREENSHOT = join(root, "test-results/main-job.png");

function openDesktop(program: string): void {
  const folder = join(root, ".cache/start");
  removeFolder(folder);
  const workspace = copySample(folder);
  // Electron refuses to be root unless it is told twice.
  const asRoot = process.getuid?.() === 0 ? ["--no-sandbox", "--user-data-dir", join(root, ".cache/editor")] : [];
  const args = [`--extensionDevelopmentPath=${root}`, "--new-window", ...asRoot, workspace];
  spawn(program, args, { env: toPlainEnv(process.env), stdio: "ignore", detached: true }).unref();
  console.log(`\nVS Code opens ${workspace}.\nOpen agent_task.py and click "Run in Sandbox" above its first line.`);
}

async function openServer(isHeadless: boolean, goesOn: boolean): Promise<void> {
  const folder = makeTempFolder();
  const state = join(folder, "state");
  const asked = whenAsked();
  const server = await startCodeServer({ folder, extension: "checkout", env: { SANDPIPER_STATE: state } });
  try {
    const work = async () => {
      if (isHeadless) await showMainJob(server, folder);
      if (goesOn) await serve(server, folder, asked);
    };
    await Promise.race([work(), asked]);
  } finally {
    await server.stop();
    await stopEngine(state);
    removeFolder(folder);
  }
}

async function serve(server: CodeServer, folder: string, asked: Promise<void>): Promise<void> {
  const workspace = copySample(join(folder, "open"));
  console.log(`\nVS Code is at ${toEditorUrl(server.authority, workspace)}`);
  console.log('Open agent_task.py and click "Run in Sandbox" above its first line. Ctrl+C here ends it.');
  await asked;
}

async function showMainJob(server: CodeServer, folder: string): Promise<void> {
  const startedAt = Date.now();
  process.stdout.write("… main job: lens, run, output, review, apply in VS Code ");
  const browser = await startBrowser();
  try {
    const workspace = copySample(folder);
    const workbench = new Workbench(await browser.context.newPage());
    await workbench.open(toEditorUrl(server.authority, workspace));
    const report = await runMainJob(workbench, workspace, async (name) => {
      if (name === "run") await takeScreenshot(workbench);
    });
    console.log(`${report.problems.length === 0 ? "✓" : "✗"} ${toSeconds(Date.now() - startedAt)}`);
    printReport(report);
    if (report.problems.length > 0) process.exitCode = 1;
  } catch (error) {
    await browser.context.pages().at(-1)?.screenshot({ path: SCREENSHOT });
    console.log(`✗ ${toSeconds(Date.now() - startedAt)}\n`);
    console.log(error instanceof Error ? error.message : error);
    console.log(`\nWhat the window showed at that moment: ${SCREENSHOT}`);
    process.exitCode = 1;
  } finally {
    await browser.stop();
  }
}

async function takeScreenshot(workbench: Workbench): Promise<void> {
  mkdirSync(join(root, "test-results"), { recursive: true });
  await workbench.page.screenshot({ path: SCREENSHOT, caret: "hide" });
}

function printReport(report: MainJobReport): void {
  console.log(`\nThe terminal shows:\n${report.terminalLines.map((line) => `  │ ${line}`).join("\n")}`);
  console.log(`\nExit code:      ${report.exitCode ?? "none"}`);
  console.log(`Changed files:  ${report.changes.join(", ")}`);
  console.log(`Screenshot:     ${SCREENSHOT}`);
  for (const problem of report.problems) console.log(`Not right:      ${problem}`);
}

/** Resolves at Ctrl+C or when the system asks to end. */
function whenAsked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}

const [mode, program] = process.argv.slice(2);
if (mode === "--desktop" && program !== undefined) openDesktop(program);
else await openServer(process.argv.includes("--headless"), mode === undefined || process.argv.includes("--serve"));
