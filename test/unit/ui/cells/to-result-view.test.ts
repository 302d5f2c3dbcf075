import { beforeEach, describe, expect, it } from "vitest";
import { CHART_MIME, type CellOutput, TABLE_MIME } from "../../../../src/core/interpreter.ts";
import { toResultView } from "../../../../src/ui/cells/to-result-view.ts";
import { resetFake } from "../../../fakes/vscode.ts";

beforeEach(() => resetFake());

const PLACE = { index: 2, path: "src/plot.py", line: 12 };

function show(data: Readonly<Record<string, string>>) {
  const view = toResultView({ kind: "result", data, isMain: true }, PLACE);
  return view?.kind === "forms" ? view.forms : [];
}

function fail(traceback: string, value = "no"): ReturnType<typeof toResultView> {
  const error: CellOutput = { kind: "error", name: "ValueError", value, traceback };
  return toResultView(error, PLACE);
}

describe("toResultView", () => {
  it("offers every form of a result, the one that says most first", () => {
    const table = JSON.stringify({ columns: ["a"], rows: [[1]], rowCount: 1 });
    const forms = show({ "text/plain": "   a\n0  1", "text/html": "<table></table>", [TABLE_MIME]: table });

    expect(forms.map(({ kind, label }) => [kind, label])).toEqual([
      ["table", "Table"],
      ["html", "HTML"],
      ["text", "Text"],
    ]);
  });

  it("shows a plot as its picture, with its text for who cannot see it, and as the chart that it is", () => {
    const chart = JSON.stringify({ type: "line", elements: [{ label: "a", points: [[0, 1]] }] });
    const forms = show({ [CHART_MIME]: chart, "image/png": "iVBORw==", "text/plain": "<Figure size 640x480>" });

    expect(forms[0]).toMatchObject({ kind: "image", base64: "iVBORw==", alt: "<Figure size 640x480>" });
    expect(forms.map(({ kind }) => kind)).toEqual(["image", "chart", "text"]);
  });

  it.each([
    ["text", "<svg><script>alert(1)</script></svg>"],
    ["base64", Buffer.from("<svg><script>alert(1)</script></svg>").toString("base64")],
  ])("makes a picture, which runs no script, of a drawing that comes as %s", (_, data) => {
    const base64 = Buffer.from("<svg><script>alert(1)</script></svg>").toString("base64");

    expect(show({ "image/svg+xml": data })).toMatchObject([{ kind: "image", base64 }]);
  });

  it.each([
    ["JSON that is none as text", { "application/json": "{oops" }, { kind: "text", text: "{oops" }],
    ["a table that is none as its data", { [TABLE_MIME]: "[1]" }, { kind: "json", value: [1] }],
    ["a chart that is not drawn as its data", { [CHART_MIME]: '{"type":"superchart"}' }, { kind: "json" }],
    ["JSON of another type", { "application/geo+json": "{}" }, { kind: "json", value: {} }],
    ["LaTeX as text", { "text/latex": "$x$" }, { kind: "text", text: "$x$" }],
    ["markdown as text", { "text/markdown": "# x" }, { kind: "text", text: "# x" }],
    ["what is not known not at all", { "application/pdf": "JVBERi0=" }, { kind: "omitted" }],
  ])("shows %s", (_, data, expected) => {
    expect(show(data)).toMatchObject([expected]);
  });

  it.each([
    ["text/html", 1024 * 1024],
    ["image/png", 12 * 1024 * 1024],
  ])("leaves out %s of more than so many characters, and says that it can be saved", (mime, limit) => {
    expect(show({ [mime]: "x".repeat(limit) })[0]?.kind).not.toBe("omitted");
    const [omitted] = show({ [mime]: "x".repeat(limit + 1) });
    expect(omitted?.kind === "omitted" && omitted.text).toContain("MiB are too much to show. Save it instead.");
  });

  it("gives a frame about as much room as its lines take, within bounds", () => {
    const heights = ["<b>x</b>", "<tr>".repeat(5), "<tr>".repeat(1_000)].map((html) => show({ "text/html": html })[0]);

    expect(heights).toMatchObject([{ heightPx: 48 }, { heightPx: 149 }, { heightPx: 480 }]);
  });

  it("leads from a traceback to the lines of the files that it names", () => {
    const view = fail('Traceback (most recent call last):\n  File "src/plot.py", line 14, in <module>\nValueError: no');

    expect(view).toMatchObject({ kind: "error", index: 2, title: "ValueError: no" });
    expect(view?.kind === "error" && view.trace).toContainEqual({
      text: 'File "src/plot.py", line 14',
      path: "src/plot.py",
      line: 14,
    });
  });

  it("counts the lines of a cell that IPython names from the cell's first one", () => {
    const view = fail("Cell In[3], line 2\n      1 x = 1\n----> 2 x / 0");

    expect(view).toMatchObject({
      trace: [{ text: "Cell In[3], line 2", path: "src/plot.py", line: 13 }, {}, {}, {}, {}],
    });
  });

  it("loses nothing of a traceback's text, however long its lines are", () => {
    const text = `File "a.py", line 1, File "b.py", line 2\n${"x".repeat(10_000)} File "c.py", line 3\n\nend`;
    const view = fail(text);

    expect(view?.kind === "error" && view.trace.map((part) => part.text).join("")).toBe(text);
    expect(view?.kind === "error" && view.trace.filter((part) => part.path !== undefined)).toHaveLength(2);
  });

  it("draws nothing of a count, and of a result without forms", () => {
    expect(toResultView({ kind: "count", count: 3 }, PLACE)).toBeUndefined();
    expect(toResultView({ kind: "result", data: {}, isMain: false }, PLACE)).toBeUndefined();
  });
});
