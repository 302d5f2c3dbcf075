// npm test: installs what is missing and runs every layer of tests. What cannot be installed here skips the layers that
// need it, with the reason; with CI=true it fails them. The last line counts all. Arguments name the layers to run.
// Runs on whatever Node the machine has (20 or newer), before any package is installed.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { browser } from "./setup/browser.mjs";
import { bundle } from "./setup/bundle.mjs";
import { nodePackages, vscodeServer } from "./setup/node-packages.mjs";
import { root, toolNode } from "./setup/paths.mjs";
import { runStep, toMessage } from "./setup/step.mjs";
import { systemPackages } from "./setup/system-packages.mjs";

/** The layers that need it will say so again. @param {import("./setup/step.mjs").Step} step */
async function attempt(step) {
  try {
    await runStep(step);
  } catch (error) {
    console.log(toMessage(error));
  }
}

try {
  const packages = systemPackages([
    "bubblewrap",
    "python",
    "browser",
    "fonts",
    "docker",
    "bridge",
    "debootstrap",
    "gvisor",
  ]);
  if (process.platform === "linux") await attempt(packages);
  await runStep(nodePackages);
  await attempt(browser);
  await attempt(vscodeServer);
  await attempt(bundle);
  const args = [join(root, "test/rig/run-tests.ts"), ...process.argv.slice(2)];
  const child = spawn(toolNode(), args, { cwd: root, stdio: "inherit" });
  child.once("close", (code) => {
    process.exitCode = code ?? 1;
  });
} catch (error) {
  console.error(toMessage(error));
  console.log("0 passed, 1 failed, 0 skipped");
  process.exitCode = 1;
}
