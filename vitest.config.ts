import { defineConfig } from "vitest/config";
import { CountReporter } from "./test/rig/count-reporter.ts";

const fakeVscode = { vscode: new URL("test/fakes/vscode.ts", import.meta.url).pathname };
/**
 * Real sandboxes, daemons and windows take their time, and share a busy machine: one more try tells what is broken from
 * what was starved. The run names every test that needed it.
 */
const patient = { testTimeout: 60_000, hookTimeout: 300_000, retry: 1 };

/** One project per layer of tests; each may need more of the machine than the one before. */
export default defineConfig({
  test: {
    reporters: ["default", new CountReporter()],
    projects: [
      // Many of them drive real processes too.
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], alias: fakeVscode, retry: 1 } },
      {
        test: {
          name: "contract",
          include: ["test/contract/**/*.test.ts"],
          exclude: ["test/contract/**/docker*.test.ts"],
          ...patient,
        },
      },
      {
        test: {
          name: "docker",
          include: ["test/contract/**/docker*.test.ts", "test/faults/**/*-docker.test.ts"],
          ...patient,
        },
      },
      {
        test: {
          name: "faults",
          include: ["test/faults/**/*.test.ts"],
          exclude: ["test/faults/**/*-docker.test.ts"],
          alias: fakeVscode,
          // They wait more than they work.
          maxWorkers: 2,
          ...patient,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: ["test/e2e/global-setup.ts"],
          fileParallelism: false,
          ...patient,
          testTimeout: 120_000,
        },
      },
    ],
  },
});
