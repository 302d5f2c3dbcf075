// npm start: installs what is missing, builds, and opens VS Code with the extension on a copy of the sample workspace.
// With --headless it does the main job by itself in a browser without a window, says what it saw, and ends.
// Runs on whatever Node the machine has (20 or newer), before any package is installed.
import { browser } from "./setup/browser.mjs";
import { bundle } from "./setup/bundle.mjs";
import { nodePackages, vscodeServer } from "./setup/node-packages.mjs";
import { findProgram } from "./setup/paths.mjs";
import { runProgram } from "./setup/run-program.mjs";
import { runStep, toMessage } from "./setup/step.mjs";
import { systemPackages } from "./setup/system-packages.mjs";

const isHeadless = process.argv.includes("--headless");
const hasDisplay = Boolean(process.env.DISPLAY ?? process.env.WAYLAND_DISPLAY) || process.platform !== "linux";
const desktop = isHeadless || !hasDisplay ? undefined : findProgram("code", "code-insiders", "codium");

/** What a sandbox on this machine needs; elsewhere the extension itself says what is missing. */
const sandbox = process.platform === "linux" ? /** @type {const} */ (["bubblewrap", "python"]) : [];

async function setUp() {
  if (desktop) {
    await runStep(systemPackages(sandbox));
    await runStep(nodePackages);
    await runStep(bundle);
    return;
  }
  const drivesBrowser = isHeadless || !hasDisplay;
  await runStep(systemPackages([...sandbox, ...(drivesBrowser ? /** @type {const} */ (["browser", "fonts"]) : [])]));
  await runStep(nodePackages);
  if (drivesBrowser) await runStep(browser);
  await runStep(vscodeServer);
  await runStep(bundle);
}

function toArguments() {
  if (desktop) return ["--desktop", desktop];
  if (isHeadless) return ["--headless"];
  return hasDisplay ? [] : ["--headless", "--serve"];
}

try {
  await setUp();
  process.exitCode = await runProgram("test/rig/open-editor.ts", toArguments());
} catch (error) {
  console.error(`\n${toMessage(error)}`);
  process.exitCode = 1;
}
