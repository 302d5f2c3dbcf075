import { defineConfig } from "vitest/config";

/** One project per layer of tests; each may need more of the machine than the one before. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], alias: { vscode: new URL("test/fakes/vscode.ts", import.meta.url).pathname } } },
      { test: { name: "contract", include: ["test/contract/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 180_000 } },
      { test: { name: "faults", include: ["test/faults/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 180_000, alias: { vscode: new URL("test/fakes/vscode.ts", import.meta.url).pathname } } },
      { test: { name: "e2e", include: ["test/e2e/**/*.test.ts"], testTimeout: 120_000, hookTimeout: 300_000, fileParallelism: false } },
    ],
  },
});
