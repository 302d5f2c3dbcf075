import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, vscodeFolder } from "./paths.mjs";
import { runCommand } from "./run-command.mjs";

/** No package's install script runs: none is needed, and they are what a compromised package would use. */
const QUIET = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
const NO_DOWNLOADS = { PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: "1" };

/** @type {import("./step.mjs").Step} */
export const nodePackages = stamped("npm packages", "npm ci", root, async () => {
  await npm(root, "ci");
});

/**
 * VS Code as a server (code-server), without a compiler and without one install script: what those would build
 * (spdlog, sqlite, kerberos) is not needed here, and the rest comes prebuilt.
 * @type {import("./step.mjs").Step}
 */
export const vscodeServer = stamped(
  "VS Code",
  "installing its server from npm, about 250 MB",
  vscodeFolder,
  async () => {
    const code = join(vscodeFolder, "node_modules/code-server/lib/vscode");
    await npm(vscodeFolder, "ci", "--omit=dev");
    // Not `ci`: the lock that code-server 4.139.1 ships lacks an entry.
    await npm(code, "install", "--no-save", "--omit=dev");
    await npm(join(code, "extensions"), "ci", "--omit=dev");
  },
);

/**
 * @param {string} folder @param {readonly string[]} args
 */
function npm(folder, ...args) {
  return runCommand(["npm", ...args, ...QUIET], { cwd: folder, env: NO_DOWNLOADS });
}

/**
 * A step that is done when a stamp inside the folder's node_modules names its lock file and this kind of machine.
 * @param {string} name
 * @param {string} work
 * @param {string} folder
 * @param {() => Promise<void>} run
 * @returns {import("./step.mjs").Step}
 */
function stamped(name, work, folder, run) {
  const stamp = join(folder, "node_modules/.sandpiper-stamp");
  const wanted = () => {
    const lock = readFileSync(join(folder, "package-lock.json"));
    return `${process.platform}-${process.arch} ${createHash("sha256").update(lock).digest("hex")}`;
  };
  return {
    name,
    missing: () => (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted() ? undefined : work),
    run: async () => {
      await run();
      writeFileSync(stamp, wanted());
    },
  };
}
