import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { findProgram, root, toolNode } from "./paths.mjs";
import { runCommand } from "./run-command.mjs";

/** A Chromium that can be driven, or undefined: $CHROMIUM, one on PATH, or one that Playwright downloaded. */
export function findBrowser() {
  return (
    process.env.CHROMIUM ??
    findProgram("chromium", "google-chrome-stable", "google-chrome", "microsoft-edge") ??
    findDownloaded()
  );
}

function findDownloaded() {
  const cache = process.env.PLAYWRIGHT_BROWSERS_PATH ?? join(homedir(), ".cache/ms-playwright");
  if (!existsSync(cache)) return undefined;
  const folders = readdirSync(cache).filter((name) => name.startsWith("chromium"));
  const candidates = folders.flatMap((folder) => [
    join(cache, folder, "chrome-linux64/chrome"),
    join(cache, folder, "chrome-linux/chrome"),
    join(cache, folder, "chrome-headless-shell-linux64/chrome-headless-shell"),
    join(cache, folder, "chrome-linux/headless_shell"),
  ]);
  return candidates.find((path) => existsSync(path));
}

/**
 * The browser where Debian's package is not to be had. Runs after the npm packages are there.
 * @type {import("./step.mjs").Step}
 */
export const browser = {
  name: "browser",
  missing: () => (findBrowser() === undefined ? "downloading Chromium with Playwright" : undefined),
  run: async () => {
    await runCommand([
      toolNode(),
      join(root, "node_modules/playwright-core/cli.js"),
      "install",
      "--with-deps",
      "chromium-headless-shell",
    ]);
  },
};
