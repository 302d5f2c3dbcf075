import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { DisposableStore } from "../../src/core/disposable-store.ts";
import { type CloudEditor, signInToE2b, signInToModal, startCloudEditor } from "./cloud-window.ts";
import { END_LINE } from "./main-job.ts";
import { CellResults } from "./pages/cell-results.ts";
import { SandboxBar } from "./pages/sandbox-bar.ts";
import { Terminal } from "./pages/terminal.ts";
import type { Workbench } from "./pages/workbench.ts";
import { makeSample, test } from "./sample-window.ts";

/** Draws the averages that another file, run elsewhere, has left in the sandbox; no package is needed for it. */
const LOOK = `# %% Averages
import re
averages = [(name, float(value)) for name, value in re.findall(r"\\| (\\w+) \\| ([\\d.]+) \\|", open("report.md").read())]
class Bars:
    def _repr_svg_(self):
        bars = "".join(
            f'<rect x="90" y="{8 + 32 * row}" width="{value * 14}" height="22" fill="teal"/>'
            f'<text x="6" y="{24 + 32 * row}" font-family="sans-serif" font-size="14">{name}</text>'
            for row, (name, value) in enumerate(averages))
        return f'<svg xmlns="http://www.w3.org/2000/svg" width="400" height="{12 + 32 * len(averages)}">{bars}</svg>'
open("seen.txt", "w").write(f"{len(averages)} averages seen\\n")
Bars()
`;

const resources = new DisposableStore();
let editor: CloudEditor;

beforeAll(async () => {
  editor = await startCloudEditor(resources);
});
afterAll(() => resources.dispose());

async function selectProvider(workbench: Workbench, name: string): Promise<void> {
  await workbench.runCommand("Sandbox: Select Provider");
  await workbench.pick(new RegExp(`^${name}`));
  await workbench.statusBar.filter({ hasText: name }).waitFor();
}

/** Restores the newest snapshot with that name in a new sandbox of the provider. */
async function restoreOn(workbench: Workbench, snapshot: string, provider: string): Promise<void> {
  await workbench.runCommand("Notifications: Clear All Notifications");
  await workbench.runCommand("Sandbox: Restore Session");
  await workbench.pick(snapshot);
  await workbench.pick("On Another Provider");
  await workbench.pick(new RegExp(`^${provider}`));
  if (provider === "Modal") await workbench.pick("No GPU");
  await workbench.notifications.filter({ hasText: "The session goes on from" }).waitFor();
}

describe("a snapshot", () => {
  test("of a session on Modal goes on at E2B, where a cell draws what it holds, and comes back", async ({
    openWindow,
  }) => {
    const workspace = makeSample();
    writeFileSync(join(workspace, "look.py"), LOOK);
    const workbench = await openWindow(workspace, editor.authority);
    const bar = new SandboxBar(workbench);
    const terminal = new Terminal(workbench.page);
    const results = new CellResults(workbench);
    await signInToModal(workbench);
    await signInToE2b(workbench);
    await workbench.runCommand("Notifications: Clear All Notifications");

    await selectProvider(workbench, "Modal");
    await workbench.openFile("agent_task.py");
    await workbench.runCommand("Sandbox: Run File");
    expect(await terminal.waitFor(END_LINE)).toMatch(/^✓ exit 0 in/m);

    await restoreOn(workbench, "After agent_task.py", "E2B");
    await selectProvider(workbench, "E2B");
    await workbench.showView("Explorer");
    await workbench.openFile("look.py");
    await workbench.runCommand("Sandbox: Run Cell");
    const cell = await results.waitFor("import re", "succeeded");
    await cell.locator("img").waitFor();
    await bar.show();
    await workbench.screenshot("e2b-from-modal");
    expect((await editor.e2b.readSandboxes()).length).toBe(1);

    await restoreOn(workbench, "After look.py", "Modal");
    await selectProvider(workbench, "Modal");
    await workbench.runCommand("Sandbox: Run Command");
    await workbench.quickInput.fill("ls chart.png && cat seen.txt");
    await workbench.page.keyboard.press("Enter");
    await terminal.waitFor(/3 averages seen/);
    const end = await terminal.waitFor(END_LINE);
    await workbench.screenshot("modal-from-e2b");
    expect(end).toMatch(/^✓ exit 0 in/m);
  }, 240_000);
});
