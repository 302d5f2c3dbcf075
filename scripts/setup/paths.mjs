import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

/** The checkout. */
export const root = resolve(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "../..");

/** Where npm keeps VS Code's server for start and tests. */
export const vscodeFolder = join(root, "test/vscode");

/** The Node that VS Code's server and all tools run on; it comes with the npm packages, so that the machine's may be older. */
export function toolNode() {
  const own = join(root, "node_modules/.bin/node");
  return existsSync(own) ? own : process.execPath;
}

/**
 * The first of these programs on PATH. Folders of npm packages are passed over: they come and go.
 * @param {readonly string[]} names
 * @returns {string | undefined} absolute path
 */
export function findProgram(...names) {
  const folders = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "" && !folder.includes("node_modules"));
  // A user's PATH often lacks the folders of system programs such as dockerd.
  for (const name of names)
    for (const folder of [...folders, "/usr/sbin", "/sbin"]) {
      const path = join(folder, name);
      if (isExecutable(path)) return path;
    }
  return undefined;
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
