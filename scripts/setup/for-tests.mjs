import { browser } from "./browser.mjs";
import { bundle } from "./bundle.mjs";
import { nodePackages, vscodeServer } from "./node-packages.mjs";
import { runStep, toMessage } from "./step.mjs";
import { systemPackages } from "./system-packages.mjs";

/**
 * Brings up what tests and benches need. Goes on past what cannot be installed: who needs it looks again and says so.
 * Only without npm packages there is no going on.
 * @param {readonly import("./system-packages.mjs").PackageKey[]} more
 */
export async function setUpForTests(more = []) {
  const packages = /** @type {const} */ ([
    "bubblewrap",
    "python",
    "browser",
    "fonts",
    "docker",
    "bridge",
    "debootstrap",
    "busybox",
    // What macOS unpacks with, and what its sandbox library needs to be tried on Linux.
    "bsdtar",
    "ripgrep",
    "socat",
    // Kills programs at any of their system calls.
    "strace",
    "gvisor",
  ]);
  if (process.platform === "linux") await attempt(systemPackages([...packages, ...more]));
  await runStep(nodePackages);
  await attempt(browser);
  await attempt(vscodeServer);
  await attempt(bundle);
}

/** @param {import("./step.mjs").Step} step */
async function attempt(step) {
  try {
    await runStep(step);
  } catch (error) {
    console.log(toMessage(error));
  }
}
