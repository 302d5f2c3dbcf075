import { join } from "node:path";
import { root, toolNode } from "./paths.mjs";
import { runCommand } from "./run-command.mjs";

/**
 * Builds dist/, always: it takes a second, and a stale bundle costs hours.
 * @type {import("./step.mjs").Step}
 */
export const bundle = {
  name: "build",
  missing: () => "bundling the extension",
  run: async () => {
    await runCommand([toolNode(), join(root, "esbuild.mjs")], { cwd: root });
  },
};
