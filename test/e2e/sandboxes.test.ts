import { describe, expect, inject } from "vitest";
import { END_LINE } from "./main-job.ts";
import { test } from "./sample-window.ts";

const noDocker = inject("noDocker");

describe("a sandbox", () => {
  test("is a Docker container when the user picks it for one run", async ({ sample, skip }) => {
    if (noDocker !== "") skip(`Docker: ${noDocker}`);
    const { workbench, terminal } = sample;
    await workbench.openFile("agent_task.py");

    await workbench.runCommand("Sandbox: Run On…");
    await workbench.page.locator(".quick-input-list .monaco-list-row", { hasText: "Docker" }).first().waitFor();
    await workbench.screenshot("run-on");
    await workbench.pick(/^Docker(?! \()/);
    const text = await terminal.waitFor(END_LINE, 120_000);

    expect(text).toMatch(/^Sandpiper: agent_task\.py in Docker/m);
    expect(text).toContain("south is the warmest. TERMINATE");
    expect(text).toMatch(/^✓ exit 0 in \d+\.\d s · sent 10 files, \d+\.\d KiB · 3 files changed: Review$/m);
    await workbench.codeLenses.filter({ hasText: "3 files changed" }).first().waitFor();
    await workbench.screenshot("docker-run");
  });

  test("gives a shell, is listed with its runs, and can be destroyed", async ({ sample }) => {
    const { workbench, terminal } = sample;
    await workbench.openFile("agent_task.py");
    await workbench.runCommand("Sandbox: Run File");
    await terminal.waitFor(END_LINE);

    await workbench.runCommand("Sandbox: Open Terminal");
    await terminal.waitFor(/[$#] ?$/m);
    await terminal.type("ls -A; id -u; echo $HOME\n");
    const text = await terminal.waitFor(/^\/home/m);
    await workbench.showView("Sandbox");
    await workbench.treeRows.filter({ hasText: "agent_task.py" }).first().waitFor();
    await workbench.screenshot("sessions-and-shell");

    expect(text).toContain("report.md");
    expect(text).not.toContain(".env");

    await workbench.runCommand("Sandbox: Destroy Session");
    await workbench.pick("Local");
    await workbench.dialog.getByRole("button", { name: "Destroy" }).click();

    await workbench.rowsOf("Sessions").filter({ hasText: "restorable" }).first().waitFor();
    await workbench
      .rowsOf("Runs")
      .filter({ hasText: /Terminal.*(lost|ended|stopped|exit)/ })
      .waitFor();
  });
});
