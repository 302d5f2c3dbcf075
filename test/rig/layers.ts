import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root, toolNode } from "../../scripts/setup/paths.mjs";
import { checkPackage } from "./check-package.ts";
import { COUNTS_FILE } from "./count-reporter.ts";
import { parseCounts, type Counts } from "./counts.ts";
import { runHostTests } from "./host-tests.ts";
import type { Need } from "./needs.ts";

/** One kind of tests. `run` may throw: that is one failure. */
export interface Layer {
  readonly name: string;
  readonly needs: readonly Need[];
  run(): Promise<Counts>;
}

const ONE_PASSED: Counts = { passed: 1, failed: 0, skipped: 0 };
const ONE_FAILED: Counts = { passed: 0, failed: 1, skipped: 0 };
const RESULTS_FOLDER = join(root, "test-results");

/** All of them, the quick ones first. */
export const LAYERS: readonly Layer[] = [
  check("format", "oxfmt/bin/oxfmt", ["--check", "src", "test", "scripts"]),
  check("lint", "oxlint/bin/oxlint", ["--type-aware", "src", "test", "scripts"]),
  check("types", "typescript/bin/tsc", ["--noEmit"]),
  check("types of a batch's table", "typescript/bin/tsc", ["--noEmit", "-p", "src/ui/batch/webview"]),
  check("types of cells' results", "typescript/bin/tsc", ["--noEmit", "-p", "src/ui/cells/webview"]),
  check("dead code", "knip/bin/knip.js", []),
  vitest("unit", []),
  { name: "package", needs: [], run: checkPackage },
  vitest("contract", ["bubblewrap"]),
  vitest("docker", ["docker"]),
  vitest("faults", ["bubblewrap"]),
  { name: "extension host", needs: ["browser", "vscode", "bubblewrap"], run: runHostTests },
  vitest("e2e", ["browser", "vscode", "bubblewrap"]),
];

/** A tool that finds something or nothing: one test. */
function check(name: string, script: string, args: readonly string[]): Layer {
  return {
    name,
    needs: [],
    run: async () => ((await runTool(script, args)) === 0 ? ONE_PASSED : ONE_FAILED),
  };
}

/** The tests of one of vitest.config.ts's projects. */
function vitest(project: string, needs: readonly Need[]): Layer {
  return {
    name: project,
    needs,
    run: async () => {
      mkdirSync(RESULTS_FOLDER, { recursive: true });
      const file = join(RESULTS_FOLDER, `${project}.counts`);
      rmSync(file, { force: true });
      const args = ["run", "--project", project, "--passWithNoTests"];
      const code = await runTool("vitest/vitest.mjs", args, { [COUNTS_FILE]: file });
      if (!existsSync(file)) return code === 0 ? { passed: 0, failed: 0, skipped: 0 } : ONE_FAILED;
      return readCounts(file, code);
    },
  };
}

function readCounts(file: string, code: number): Counts {
  const counts = parseCounts(readFileSync(file, "utf8"));
  // A run that fails as a whole must never be green because no single test did.
  return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/** Runs a package's program on our Node, talking to our terminal. @returns its exit code */
async function runTool(script: string, args: readonly string[], env: Record<string, string> = {}): Promise<number> {
  const child = spawn(toolNode(), [join(root, "node_modules", script), ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  await once(child, "exit");
  return child.exitCode ?? 1;
}
