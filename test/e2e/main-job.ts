import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/setup/paths.mjs";
import { compareFolders } from "./compare-folders.ts";
import { Terminal } from "./pages/terminal.ts";
import type { Workbench } from "./pages/workbench.ts";

/** What the sample's agents say, below the line that we draw above it. */
const EXPECTED_LINES: readonly RegExp[] = [
  /^Sandpiper: agent_task\.py in Local \(.+\), network off$/,
  /^user {6}Which sensor in data\/measurements\.csv is the warmest on average\?/,
  /^coder {5}\[1\/3\] I will average the temperature of each sensor\.$/,
  /^executor {2}failed: KeyError: 'temperature'$/,
  /^coder {5}\[2\/3\] The column is called `celsius`\. Once more\.$/,
  /^executor {2}north {3}14\.0 °C$/,
  /^executor {2}middle {2}17\.5 °C$/,
  /^executor {2}south {3}19\.5 °C$/,
  /^coder {5}\[3\/3\] Now the chart and the report\.$/,
  /^executor {2}wrote chart\.png and report\.md, updated notes\.md$/,
  /^coder {5}south is the warmest\. TERMINATE$/,
  /^✓ exit 0 in \d+\.\d s · sent 10 files, \d+\.\d KiB · 3 files changed: Review$/,
];
const EXPECTED_CHANGES = ["A chart.png", "M notes.md", "A report.md"];
const SAMPLE = join(root, "test/fixtures/sample");

/** How a run ended, in the line that Sandpiper itself draws. */
export const END_LINE = /^[✓✗■] .+$/m;

/** What the main job showed. */
export interface MainJobReport {
  readonly terminalLines: readonly string[];
  readonly exitCode: number | undefined;
  /** Against the sample, after the changes were applied: "A report.md", "M notes.md". */
  readonly changes: readonly string[];
  /** What is not as it should be, for people. Empty when all is right. */
  readonly problems: readonly string[];
}

/** Pictures to take on the way; each is given the step's name. */
export type TakePicture = (name: string) => Promise<unknown>;

/** Does what the product is for: lens → consent → run → output → exit code → review → apply, in a window with the sample open. */
export async function runMainJob(
  workbench: Workbench,
  workspace: string,
  takePicture: TakePicture,
): Promise<MainJobReport> {
  await workbench.openFile("agent_task.py");
  const lens = workbench.codeLenses.filter({ hasText: "Run in Sandbox" }).first();
  await lens.waitFor();
  await takePicture("lens");
  await lens.click();
  await workbench.dialog.getByText("Held back as secrets: .env").waitFor();
  await takePicture("consent");
  await workbench.dialog.getByRole("button", { name: "Send and Run" }).click();
  const terminal = new Terminal(workbench.page);
  const text = await terminal.waitFor(END_LINE);
  // The lens and the side bar say the same once they have been drawn anew.
  await workbench.codeLenses.filter({ hasText: "3 files changed" }).first().waitFor();
  await workbench.showView("Sandbox");
  await workbench.treeRows.filter({ hasText: "report.md" }).waitFor();
  await takePicture("run");
  const changesBefore = compareFolders(SAMPLE, workspace);
  await workbench.runCommand("Sandbox: Review Changes");
  await workbench.page.locator(".multiDiffEditor .file-path", { hasText: "report.md" }).first().waitFor();
  // Markdown's headings are bold once its colours are there.
  await workbench.page.locator(".multiDiffEditor .view-line .mtkb").first().waitFor();
  await takePicture("review");
  await workbench.runCommand("Sandbox: Apply Changes");
  await waitUntil(() => compareFolders(SAMPLE, workspace).length >= EXPECTED_CHANGES.length);
  // The review has closed, and the lens of the file behind it asks for nothing more.
  await workbench.page.locator(".multiDiffEditor").waitFor({ state: "detached" });
  await workbench.codeLenses.filter({ hasText: /3 files changed$/ }).waitFor();
  await workbench.showView("Explorer");
  await workbench.treeRows.filter({ hasText: "report.md" }).waitFor();
  await takePicture("applied");
  return toReport(text.split("\n"), changesBefore, workspace);
}

function toReport(
  terminalLines: readonly string[],
  changesBefore: readonly string[],
  workspace: string,
): MainJobReport {
  const changes = compareFolders(SAMPLE, workspace);
  const exitCode = /exit (\d+) in/.exec(terminalLines.join("\n"))?.[1];
  const problems = [
    ...findMissingLines(terminalLines),
    ...changesBefore.map((change) => `${change}: changed before it was applied`),
    ...(changes.join() === EXPECTED_CHANGES.join()
      ? []
      : [`expected ${EXPECTED_CHANGES.join(", ")}, found ${changes.join(", ")}`]),
    ...findWrongContent(workspace),
  ];
  return { terminalLines, exitCode: exitCode === undefined ? undefined : Number(exitCode), changes, problems };
}

/** Each expected line has to come after the one before it. */
function findMissingLines(lines: readonly string[]): readonly string[] {
  let from = 0;
  return EXPECTED_LINES.flatMap((expected) => {
    const index = lines.findIndex((line, at) => at >= from && expected.test(line));
    if (index === -1) return [`the terminal lacks a line like ${String(expected)}`];
    from = index + 1;
    return [];
  });
}

function findWrongContent(workspace: string): readonly string[] {
  const problems: string[] = [];
  const read = (name: string) =>
    existsSync(join(workspace, name)) ? readFileSync(join(workspace, name)) : Buffer.alloc(0);
  if (!read("report.md").toString().startsWith("# Warmest sensor: south\n"))
    problems.push("report.md is not the report");
  if (!read("notes.md").toString().endsWith("- `south` is the warmest: 19.5 °C on average.\n"))
    problems.push("notes.md lacks the new line");
  const chart = read("chart.png");
  const isChart = chart.subarray(1, 4).toString() === "PNG" && chart.length > 24 && chart.readUInt32BE(16) === 480;
  return isChart ? problems : [...problems, "chart.png is not the chart"];
}

async function waitUntil(isDone: () => boolean, timeoutMs = 15_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!isDone() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
}
