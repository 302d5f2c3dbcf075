import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject } from "vitest";
import { killEngine } from "../rig/stop-engine.ts";
import { SandboxBar } from "./pages/sandbox-bar.ts";
import type { Workbench } from "./pages/workbench.ts";
import { test } from "./sample-window.ts";

const PATIENTLY = { timeout: 60_000 };

describe("the timeline", () => {
  test("shows what was sent and what each run left, and Restore Here brings a file back", async ({ sample }) => {
    const { workbench, workspace } = sample;
    const bar = new SandboxBar(workbench);
    await workbench.openFile("agent_task.py");
    await workbench.runCommand("Sandbox: Take Snapshot");
    await workbench.quickInput.fill("before the agents");
    await workbench.page.keyboard.press("Enter");
    await runSample(workbench, bar, 1);
    await workbench.runCommand("Sandbox: Apply Changes");
    await expect.poll(() => existsSync(join(workspace, "report.md")), PATIENTLY).toBe(true);
    await runSample(workbench, bar, 2);
    const report = readFileSync(join(workspace, "report.md"), "utf8");
    rmSync(join(workspace, "report.md"));
    writeFileSync(join(workspace, "notes.md"), "# Notes\n\nAll lost.\n");

    const after = bar.snapshots.filter({ hasText: "After agent_task.py" });
    await after.first().click();
    await bar.snapshots.filter({ hasText: "modified" }).first().waitFor();
    await bar.press(after.last(), "Restore Here");
    await workbench.notifications.filter({ hasText: "Nothing is written until you apply it" }).waitFor();
    await workbench.page.locator(".multiDiffEditor .file-path", { hasText: "notes.md" }).first().waitFor();
    await workbench.page.locator(".multiDiffEditor .view-line .mtkb").first().waitFor();
    await workbench.screenshot("snapshots");
    await bar.snapshots.filter({ hasText: /before the agents.*Taken by hand/ }).waitFor();
    expect(existsSync(join(workspace, "report.md"))).toBe(false);

    await workbench.notificationButtons.filter({ hasText: "Apply" }).click();
    await expect.poll(() => existsSync(join(workspace, "report.md")), PATIENTLY).toBe(true);
    expect(readFileSync(join(workspace, "report.md"), "utf8")).toBe(report);
    expect(readFileSync(join(workspace, "notes.md"), "utf8")).toContain("19.5 °C on average");
    // What was there before is on the timeline as well.
    await bar.snapshots.filter({ hasText: "Before a restore" }).first().waitFor();
  });

  test("compares a snapshot with the files here, and leaves nothing on the timeline by that", async ({ sample }) => {
    const { workbench, workspace } = sample;
    const bar = new SandboxBar(workbench);
    await workbench.openFile("agent_task.py");
    await runSample(workbench, bar, 1);
    writeFileSync(join(workspace, "new here.txt"), "text\n");
    const after = bar.snapshots.filter({ hasText: "After agent_task.py" });
    await after.waitFor();
    const before = await bar.snapshots.count();

    await bar.press(after, "Compare Snapshot");
    await workbench.page.locator(".tab.active", { hasText: "After agent_task.py ↔ here (4 files)" }).waitFor();

    await expect.poll(() => bar.snapshots.count(), PATIENTLY).toBe(before);
  });
});

describe("a conflict", () => {
  test("is shown, can be merged by hand, and the result is kept", async ({ sample: { workbench, workspace } }) => {
    const bar = new SandboxBar(workbench);
    await workbench.openFile("notes.md");
    await workbench.runCommand("Sandbox: Run Command");
    await workbench.quickInput.fill("python3 agent_task.py");
    await workbench.page.keyboard.press("Enter");
    await bar.show();
    const notes = bar.runs.filter({ hasText: "notes.md" });
    await notes.waitFor();
    await workbench.page.locator(".tab", { hasText: "notes.md" }).click();
    await workbench.page.keyboard.press("Control+End");
    await workbench.page.keyboard.type("- `south` lies in the sun.\n");
    await workbench.page.keyboard.press("Control+s");
    await notes.filter({ hasText: "conflict" }).waitFor();

    await bar.press(notes, "Merge by Hand");
    await workbench.page.locator(".merge-editor", { hasText: "Result" }).waitFor();
    await workbench.notifications.filter({ hasText: "keep the result" }).waitFor();
    await workbench.page.locator(".merge-editor a", { hasText: "Accept Combination (Sandbox First)" }).click();
    await workbench.screenshot("conflict");
    await workbench.page.keyboard.press("Control+s");
    const merged = /is the warmest: 19\.5 °C on average\.\n- `south` lies in the sun\.\n$/;
    await expect.poll(() => readFileSync(join(workspace, "notes.md"), "utf8"), PATIENTLY).toMatch(merged);
    await workbench.notificationButtons.filter({ hasText: "Keep the Result" }).click();

    await notes.filter({ hasText: "discarded" }).waitFor();
    expect(readFileSync(join(workspace, "notes.md"), "utf8")).toMatch(merged);
  });
});

describe("a session that has ended", () => {
  test("is restorable, and comes back with what its runs had made", async ({ sample: { workbench, terminal } }) => {
    const bar = new SandboxBar(workbench);
    await workbench.openFile("agent_task.py");
    await runSample(workbench, bar, 1);
    await workbench.runCommand("Sandbox: Destroy Session");
    await workbench.pick("Local");
    await workbench.dialog.getByRole("button", { name: "Destroy" }).click();
    const ended = bar.sessions.filter({ hasText: "restorable: After agent_task.py" });
    await ended.waitFor();
    await workbench.reload();
    await bar.show();

    await bar.press(ended, "Restore Session");
    await workbench.pick("In a New Sandbox like Before");
    await workbench.notificationButtons.filter({ hasText: "Open Terminal" }).click();
    await terminal.waitFor(/[$#] ?$/m);
    await terminal.type("head -n 1 report.md\n");

    expect(await terminal.waitFor(/^# Warmest/m)).toContain("# Warmest sensor: south");
    await bar.sessions.filter({ hasText: "1 run" }).waitFor();
  }, 240_000);
});

describe("when the engine is killed in mid-run", () => {
  test("the views say so without a reload, and the next run works", async ({ sample: { workbench, terminal } }) => {
    const bar = new SandboxBar(workbench);
    await workbench.openFile("slow.py");
    await workbench.runCommand("Sandbox: Run File");
    await terminal.waitFor(/^tick 2$/m);
    await bar.show();
    await bar.sessions.filter({ hasText: "1 run" }).waitFor();

    killEngine(inject("state"));

    await bar.runs.filter({ hasText: "lost" }).waitFor();
    await bar.sessions.filter({ hasText: "1 run" }).waitFor({ state: "detached" });
    expect(await bar.sessions.allInnerTexts()).toEqual([expect.stringMatching(/idle|restorable|lost/)]);
    await workbench.runCommand("Sandbox: Run Command");
    await workbench.quickInput.fill("true");
    await workbench.page.keyboard.press("Enter");
    await bar.runs.filter({ hasText: "exit 0" }).waitFor();
  });
});

/** Runs the sample's agents, whose file is open, to their end. @param count how many runs there are then */
async function runSample(workbench: Workbench, bar: SandboxBar, count: number): Promise<void> {
  await workbench.runCommand("Sandbox: Run File");
  await bar.show();
  await expect.poll(() => bar.runs.filter({ hasText: "exit 0" }).count(), PATIENTLY).toBe(count);
}
