import { spawn } from "node:child_process";
import { join } from "node:path";
import { root, toolNode } from "./paths.mjs";

/**
 * Runs a TypeScript program of the checkout on our Node, talking to our terminal. Ctrl+C reaches it from the terminal
 * itself, and it ends in its own time.
 * @param {string} script relative to the checkout
 * @param {readonly string[]} args
 * @returns {Promise<number>} its exit code
 */
export function runProgram(script, args) {
  const child = spawn(toolNode(), [join(root, script), ...args], { cwd: root, stdio: "inherit" });
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
}
