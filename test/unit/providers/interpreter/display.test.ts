import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TABLE_MIME } from "../../../../src/core/interpreter.ts";
import { PythonWorld } from "./python-world.ts";

// As little of the libraries as the driver touches, so that they need not be installed.
const PANDAS = `
class RangeIndex(list): names = [None]
class Index(list):
    names = ["day"]
class DataFrame:
    def __init__(self, columns, rows, index=None):
        self.columns, self.rows, self.index = columns, rows, index or RangeIndex(range(len(rows)))
    def __len__(self): return len(self.rows)
    def __repr__(self): return "a frame"
    def _repr_html_(self): return "<table>"
    def head(self, count): return DataFrame(self.columns, self.rows[:count], type(self.index)(self.index[:count]))
    def itertuples(self, index, name): return iter(self.rows)
`;
const FIGURE = `
class Figure:
    def __init__(self, text): self.text = text
    def get_facecolor(self): return "white"
    def savefig(self, file, format, **_): file.write((format + ":" + self.text).encode())
`;
const PYPLOT = `
from matplotlib.figure import Figure
figures = {}
def figure(number, text="plot"): return figures.setdefault(number, Figure(text))
def get_fignums(): return list(figures)
def close(_): figures.clear()
def show(): raise Exception("there is no screen")
`;
const PIL = `
class Image:
    mode = "CMYK"
    def convert(self, mode): return type("Converted", (Image,), {"mode": mode})()
    def save(self, file, format): file.write((format + " " + self.mode).encode())
    def _repr_png_(self): raise Exception("not asked for")
`;

let world: PythonWorld;

beforeEach(async () => {
  world = await PythonWorld.open();
  await world.write("pandas/__init__.py", PANDAS);
  await world.write("matplotlib/__init__.py", "");
  await world.write("matplotlib/figure.py", FIGURE);
  await world.write("matplotlib/pyplot.py", PYPLOT);
  await world.write("PIL/__init__.py", "");
  await world.write("PIL/Image.py", PIL);
});
afterEach(() => world.close());

const toBase64 = (text: string): string => Buffer.from(text).toString("base64");

describe("what a cell shows", () => {
  it("of a data frame is a table of its first 200 rows, with values that JSON has", async () => {
    const code = [
      "import pandas",
      "class Number:",
      "    shape = ()",
      "    def item(self): return 5",
      "rows = [(1, float('nan'), True, 1 << 60, Number(), ('a', 'b'))] + [(0,) * 6] * 299",
      "pandas.DataFrame(['i', ('two', 'levels'), 'b', 'big', 'np', 'other'], rows)",
    ];

    const [forms] = await world.show(code.join("\n"));

    expect(forms).toMatchObject({ "text/plain": "a frame", "text/html": "<table>" });
    const table: unknown = JSON.parse(forms?.[TABLE_MIME] ?? "");
    const rest = Array.from({ length: 199 }, () => Array.from({ length: 6 }, () => 0));
    expect(table).toEqual({
      columns: ["i", "two / levels", "b", "big", "np", "other"],
      rows: [[1, null, true, String(2n ** 60n), 5, "('a', 'b')"], ...rest],
      rowCount: 300,
    });
  });

  it("of a data frame with an index of its own has that in front", async () => {
    const [forms] = await world.show(
      "import pandas\npandas.DataFrame(['n'], [(1,), (2,)], pandas.Index(['Monday', 'Tuesday']))",
    );

    expect(JSON.parse(forms?.[TABLE_MIME] ?? "")).toEqual({
      columns: ["day", "n"],
      rows: [
        ["Monday", 1],
        ["Tuesday", 2],
      ],
      rowCount: 2,
    });
  });

  it("of pyplot are its open figures at the end, once, and what show() asks for at once", async () => {
    const code = [
      "import matplotlib.pyplot as plt",
      "plt.figure(1, 'first'); plt.show()",
      "display('between')",
      "plt.figure(2, 'second'); plt.figure(3, 'third')",
      "plt.figure(2)",
    ];

    const shown = await world.show(code.join("\n"));

    const pictures = shown.map((forms) => forms["image/png"] ?? forms["text/plain"]);
    expect(pictures).toEqual([toBase64("png:first"), "'between'", toBase64("png:second"), toBase64("png:third")]);
    expect(await world.show("1")).toHaveLength(1);
  });

  it("never imports what the code does not", async () => {
    const names = "{'matplotlib', 'pandas', 'PIL', 'asyncio'}";
    expect(await world.show(`import sys\n${names} & set(sys.modules)`)).toEqual([{ "text/plain": "set()" }]);
  });

  it("of a picture is a PNG, whatever its colours are kept as", async () => {
    const [forms] = await world.show("import PIL.Image\nPIL.Image.Image()");

    expect(forms?.["image/png"]).toBe(toBase64("PNG RGB"));
  });

  it("follows what IPython asks of objects", async () => {
    const [forms] = await world.show(
      [
        "class All:",
        "    def __repr__(self): return 'all'",
        "    def _repr_json_(self): return {'a': [1]}, {'metadata': 1}",
        "    def _repr_latex_(self): return '$x$'",
        "    def _repr_markdown_(self): raise NotImplementedError",
        "    def _repr_png_(self): return 'aGk='",
        "    def _repr_mimebundle_(self, include, exclude): return {'text/html': '<b>'}",
        "All()",
      ].join("\n"),
    );

    expect(forms).toEqual({
      "text/plain": "all",
      "application/json": '{"a": [1]}',
      "text/latex": "$x$",
      "image/png": "aGk=",
      "text/html": "<b>",
    });
  });

  it("is the text alone when a form fails, and that is said", async () => {
    const { stderr, outputs, exit } = await world.run(
      "class Bad:\n    def __repr__(self): return 'bad'\n    def _repr_html_(self): raise KeyError('x')\nBad()",
    );

    expect(stderr).toBe("sandpiper: Bad cannot be shown fully: KeyError: 'x'\n");
    expect(outputs.at(-1)).toEqual({ kind: "result", data: { "text/plain": "bad" }, isMain: true });
    expect(exit).toEqual({ kind: "exited", code: 0 });
  });

  it("is a class itself for a class, and for what has every name", async () => {
    const code = [
      "class Thing:\n    def _repr_html_(self): return '<b>'",
      "class Any:\n    def __repr__(self): return 'any'\n    def __getattr__(self, name): return lambda **_: 'no form'",
      "display(Any())\nThing",
    ];

    expect(await world.show(code.join("\n"))).toEqual([
      { "text/plain": "any" },
      { "text/plain": "<class '__main__.Thing'>" },
    ]);
  });

  it("is cut where it is too large, and says so", async () => {
    const code = [
      "class Large:",
      "    def __repr__(self): return 'r' * (2 << 20)",
      "    def _repr_html_(self): return 'h' * (11 << 20)",
      "    def _repr_markdown_(self): return 'm' * 100",
      "Large()",
    ];

    const [forms] = await world.show(code.join("\n"));

    expect(Object.keys(forms ?? {})).toEqual(["text/plain", "text/markdown"]);
    expect(forms?.["text/plain"]?.length).toBeLessThan(1.1 * 1024 ** 2);
    expect(forms?.["text/plain"]).toMatch(
      /… 1048576 more characters\n+text\/html left out: 11\.0 MiB, the most is 10$/,
    );
  });

  it("may be given by its types", async () => {
    expect(await world.show("display({'text/html': '<i>', 'image/png': b'hi'}, raw=True)")).toEqual([
      { "text/html": "<i>", "image/png": toBase64("hi") },
    ]);
  });
});
