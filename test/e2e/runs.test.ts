import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { END_LINE } from "./main-job.ts";
import { test } from "./sample-window.ts";

const RUN_FILE = "Sandbox: Run File";

describe("a run", () => {
  test("that fails shows its traceback, its exit code and a lens that says so", async ({ sample }) => {
    const { workbench, terminal } = sample;
    await workbench.openFile("failing.py");

    await workbench.runCommand(RUN_FILE);
    const text = await terminal.waitFor(END_LINE);

    expect(text).toMatch(/failing\.py", line 13, in <module>/);
    expect(text).toContain("ValueError: could not convert string to float: 'n/a'");
    expect(text).toMatch(/^✗ exit 3 in \d+\.\d s · sent \d+ files, /m);
    await workbench.codeLenses.filter({ hasText: "exit 3" }).first().waitFor();
    await workbench.screenshot("failing-script");
  });

  test("reads what is typed into its terminal", async ({ sample: { workbench, terminal } }) => {
    await workbench.openFile("ask.py");
    await workbench.runCommand(RUN_FILE);
    await terminal.waitFor(/What is your name\? $|What is your name\?$/m);

    await terminal.type("Ada Lovelace\n");
    const text = await terminal.waitFor(END_LINE);

    expect(text).toContain("Hello, Ada Lovelace: 12 letters, ADA LOVELACE in capitals.");
    expect(text).toMatch(/^✓ exit 0 in/m);
    await workbench.codeLenses.filter({ hasText: "Local" }).first().waitFor();
    await workbench.screenshot("typed-input");
  });

  test("is interrupted by Ctrl+C, and the script has its say", async ({ sample: { workbench, terminal } }) => {
    await workbench.openFile("slow.py");
    await workbench.runCommand(RUN_FILE);
    await terminal.waitFor(/^tick 5$/m);

    await terminal.press("Control+c");
    const text = await terminal.waitFor(END_LINE);

    expect(text).toContain("stopped by Ctrl+C");
    expect(text).toMatch(/^✗ exit 130 in/m);
    await workbench.codeLenses.filter({ hasText: "exit 130" }).first().waitFor();
    await workbench.screenshot("interrupted");
  });

  test("outlives a reload of the window, and no line of its output is lost", async ({ sample }) => {
    const { workbench, terminal, workspace } = sample;
    const count = 4_000;
    const code = `import time\nfor i in range(1, ${count + 1}):\n    print(f"line {i} of ${count}", flush=True)\n    time.sleep(0.004)\n`;
    writeFileSync(join(workspace, "count.py"), code);
    await workbench.openFile("count.py");
    await workbench.runCommand(RUN_FILE);
    await terminal.waitFor(/^line 100 of/m);

    await workbench.reload();
    await terminal.waitFor(new RegExp(`^line 1 of ${count}$`, "m"));
    await workbench.screenshot("reloaded-in-mid-run");
    const text = await terminal.waitFor(END_LINE);

    const lines = text.split("\n").filter((line) => line.startsWith("line "));
    expect(lines).toEqual(Array.from({ length: count }, (_, index) => `line ${index + 1} of ${count}`));
    expect(text).toMatch(/^✓ exit 0 in/m);
  });

  test("of a Node script brings its file back", async ({ sample: { workbench, terminal } }) => {
    await workbench.openFile("hello.mjs");

    await workbench.runCommand(RUN_FILE);
    const text = await terminal.waitFor(END_LINE);

    expect(text).toMatch(/^Hello from Node \d+, in \/.*workspace$/m);
    expect(text).toMatch(/^✓ exit 0 in .* · 1 file changed: Review$/m);
  });
});
