import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { CellResults } from "./pages/cell-results.ts";
import { SandboxBar } from "./pages/sandbox-bar.ts";
import type { Workbench } from "./pages/workbench.ts";
import { type SampleWindow, test } from "./sample-window.ts";

const PNG = `
def to_png(rows):
    import struct, zlib
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    data = zlib.compress(b"".join(b"\\0" + bytes(row) for row in rows))
    return b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
`;

/** A file that shows something of every kind; no package is needed for it. */
const PLOT = `# %% Load
import csv
rows = list(csv.DictReader(open("data/measurements.csv")))
print(len(rows), "measurements")
${PNG}
# %% Picture
import math
class Picture:
    def _repr_png_(self):
        wave = [int(60 - 45 * math.sin(x / 25) * math.exp(-x / 200)) for x in range(360)]
        return to_png([[0 if abs(wave[x] - y) < 2 else 210 if y == 60 else 255 for x in range(360)] for y in range(120)])
Picture()

# %% Table
sensors = sorted({row["sensor"] for row in rows})
class Frame:
    def _repr_mimebundle_(self, include=None, exclude=None):
        table = [[name, sum(float(r["celsius"]) for r in rows if r["sensor"] == name)] for name in sensors]
        return {
            "application/vnd.sandpiper.table+json": {"columns": ["sensor", "sum"], "rows": table, "rowCount": 3},
            "text/plain": str(table),
        }
Frame()

# %% Drawing and markup
class Drawing:
    def _repr_svg_(self):
        return '<svg xmlns="http://www.w3.org/2000/svg" width="240" height="60"><script>document.title="x"</script><circle cx="40" cy="30" r="24" fill="teal"/><rect x="90" y="8" width="120" height="44" fill="orange"/></svg>'
class Markup:
    def _repr_html_(self):
        return '<table class="dataframe"><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table><script>document.body.textContent = "script"</script><img src="http://127.0.0.1:9/x.png">'
display(Drawing(), Markup())

# %% Chart
class Chart:
    def _repr_mimebundle_(self, include=None, exclude=None):
        bars = [{"label": "north", "group": "day", "value": 14}, {"label": "north", "group": "night", "value": 9},
                {"label": "south", "group": "day", "value": 19.5}, {"label": "south", "group": "night", "value": 12}]
        return {"application/vnd.e2b.chart+json": {"type": "bar", "title": "Sensors", "x_label": "sensor", "y_label": "°C", "elements": bars}}
Chart()

# %% Changes a file
open("notes.md", "a").write("seen\\n")
{"sensors": {"north": [1, 2], "south": [3]}, "ok": True}["ok"]

# %% Fails
def halve(n):
    return rows[n] / 2
print("\\033[32mgreen\\033[0m and plain")
halve(0)
`;

function prepare({ workbench, workspace }: SampleWindow): { readonly results: CellResults; readonly bar: SandboxBar } {
  writeFileSync(join(workspace, "plot.py"), PLOT);
  return { results: new CellResults(workbench), bar: new SandboxBar(workbench) };
}

async function clickLens(workbench: Workbench, at: number): Promise<void> {
  const lens = workbench.codeLenses.filter({ hasText: "Run Cell" }).nth(at);
  await lens.waitFor();
  await lens.click();
}

/** As its user does: VS Code writes down which panels there are before it goes. */
async function reload(workbench: Workbench): Promise<void> {
  const { page } = workbench;
  const loaded = page.waitForEvent("load");
  await workbench.runCommand("Developer: Reload Window");
  await loaded;
  await page.locator('.statusbar-item[id^="sandpiper"]').first().waitFor();
}

describe("cells", () => {
  test("keep their state, and show what they give beside the editor", { timeout: 240_000 }, async ({ sample }) => {
    const { workbench, workspace } = sample;
    const { results, bar } = prepare(sample);
    await workbench.openFile("plot.py");
    await clickLens(workbench, 0);
    const first = await results.waitFor("import csv", "succeeded");
    await first.getByText("measurements").waitFor();

    await workbench.runCommand("Sandbox: Run All Cells");
    await results.waitFor("def halve", "failed");
    const picture = results.cell("import math").locator("img");
    expect(await picture.evaluate((image) => Reflect.get(image, "naturalWidth"))).toBe(360);
    expect(await results.cell("sensors = sorted").locator("tbody tr").count()).toBe(3);
    expect(await results.cell("class Chart").locator("svg rect").count()).toBe(4);
    await workbench.screenshot("cells-error");

    await picture.scrollIntoViewIfNeeded();
    await workbench.screenshot("cells");
    expect(readFileSync(join(workspace, "notes.md"), "utf8")).not.toContain("seen");
    expect(await workbench.page.locator(".terminal-tab, .terminal-tabs-entry, .terminal-wrapper").count()).toBe(0);

    await bar.show();
    await bar.sessions.filter({ hasText: "python · plot.py" }).waitFor();
    await bar.runs.filter({ hasText: "plot.py:" }).first().waitFor();
    await workbench.screenshot("cells-context");
  });

  test("run nothing of what their results bring along", async ({ sample }) => {
    const { workbench } = sample;
    const { results } = prepare(sample);
    await workbench.openFile("plot.py");
    await clickLens(workbench, 3);
    const cell = await results.waitFor("class Drawing", "succeeded");
    const frame = cell.frameLocator("iframe");
    await frame.getByText("a", { exact: true }).waitFor();

    expect(await cell.locator("iframe").getAttribute("sandbox")).toBe("");
    expect(await frame.locator("body").innerText()).toContain("1");
    expect(await frame.locator("body").innerText()).not.toContain("script");
    expect(await cell.locator("img").evaluate((image) => Reflect.get(image, "naturalWidth"))).toBe(240);
    await cell.getByRole("button", { name: "Save as…" }).first().focus();
    await workbench.screenshot("cells-markup");
  });

  test("are there again after a reload, go on with what they defined, and forget it when restarted", async ({
    sample,
  }) => {
    const { workbench } = sample;
    const { results, bar } = prepare(sample);
    await workbench.openFile("plot.py");
    await clickLens(workbench, 0);
    await results.waitFor("import csv", "succeeded");
    await reload(workbench);
    await results.cell("import csv").getByText("measurements").waitFor();

    await clickLens(workbench, 2);
    await (await results.waitFor("sensors = sorted", "succeeded")).locator(".count", { hasText: "[2]" }).waitFor();
    await bar.show();
    await bar.press(bar.sessions.filter({ hasText: "python · plot.py · 2 cells" }), "Restart Context");
    await bar.sessions.filter({ hasText: "plot.py · 0 cells" }).waitFor();
    await results.cell("sensors = sorted").getByRole("button", { name: "Run Again" }).click();
    const failed = await results.waitFor("sensors = sorted", "failed");
    await failed.getByText("NameError").first().waitFor();

    await failed
      .getByRole("button", { name: /line \d+/ })
      .first()
      .click();
    await workbench.statusBar.filter({ hasText: "Ln 22, Col 1" }).waitFor();
  });
});
