import { describe, expect } from "vitest";
import { runMainJob } from "./main-job.ts";
import { test } from "./sample-window.ts";

describe("an agent's script in the sample workspace", () => {
  test("is run from its lens, reviewed and applied", async ({ fresh: { workbench, workspace } }) => {
    const report = await runMainJob(workbench, workspace, (name) => workbench.screenshot(name));

    expect(report.problems).toEqual([]);
    expect(report.exitCode).toBe(0);
    expect(report.changes).toEqual(["A chart.png", "M notes.md", "A report.md"]);
  });
});
