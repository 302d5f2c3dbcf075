import { describe, expect, it } from "vitest";
import type { ChartShape } from "../../../../src/ui/cells/cell-messages.ts";
import { readChart } from "../../../../src/ui/cells/chart-data.ts";
import { drawChart } from "../../../../src/ui/cells/draw-chart.ts";

function draw(value: unknown) {
  const data = readChart(value);
  return data && drawChart(data);
}

function shapesOf<K extends ChartShape["kind"]>(value: unknown, kind: K) {
  const shapes = draw(value)?.shapes ?? [];
  return shapes.filter((shape): shape is Extract<ChartShape, { kind: K }> => shape.kind === kind);
}

const LINES = {
  type: "line",
  title: "Growth",
  x_label: "day",
  y_label: "mm",
  elements: [
    {
      label: "a",
      points: [
        [0, 0],
        [1, 10],
        [2, 20],
      ],
    },
    {
      label: "b",
      points: [
        [0, 20],
        [2, 0],
      ],
    },
  ],
};

describe("drawChart", () => {
  it("draws a line per series between axes with round numbers, and names the series", () => {
    const texts = shapesOf(LINES, "text").map(({ text }) => text);

    expect(draw(LINES)).toMatchObject({ title: "Growth", legend: ["a", "b"] });
    expect(shapesOf(LINES, "line").map(({ series, points }) => [series, points.length])).toEqual([
      [0, 3],
      [1, 2],
    ]);
    expect(texts).toEqual(expect.arrayContaining(["day", "mm", "0", "5", "10", "15", "20"]));
  });

  it("lets a higher value stand higher, and a later one further to the right", () => {
    const [line] = shapesOf(LINES, "line");
    const [first, second] = line?.points ?? [];

    expect(second && first && second.y < first.y && second.x > first.x).toBe(true);
  });

  it("draws points, with what they are", () => {
    const dots = shapesOf(
      {
        type: "scatter",
        elements: [
          {
            label: "s",
            points: [
              [1, 2],
              [3, 4],
            ],
          },
        ],
      },
      "dot",
    );

    expect(dots.map(({ label }) => label)).toEqual(["s 1, 2", "s 3, 4"]);
  });

  it("puts texts along the axis where x is no number", () => {
    const points = [
      ["Mon", 1],
      ["Tue", 3],
    ];
    const texts = shapesOf({ type: "line", elements: [{ label: "", points }] }, "text").map(({ text }) => text);

    expect(texts).toEqual(expect.arrayContaining(["Mon", "Tue"]));
  });

  it("draws bars from zero, up and down", () => {
    const elements = [
      { label: "up", group: "g", value: 4 },
      { label: "down", group: "g", value: -2 },
    ];
    const [up, down] = shapesOf({ type: "bar", elements }, "bar");
    if (!up || !down) throw new TypeError("There are no bars.");

    expect(down.at.y).toBeCloseTo(up.at.y + up.height, 1);
    expect(up.height / down.height).toBeCloseTo(2, 1);
    expect(up.label).toBe("g, up, 4");
  });

  it("draws a pie of shares, whatever its angles add up to, and a whole one too", () => {
    const slices = shapesOf(
      {
        type: "pie",
        elements: [
          { label: "a", angle: 1 },
          { label: "b", angle: 3 },
        ],
      },
      "slice",
    );
    const [whole] = shapesOf({ type: "pie", elements: [{ label: "all", angle: 360 }] }, "slice");

    expect(slices.map(({ label }) => label)).toEqual(["a 25.0 %", "b 75.0 %"]);
    expect(whole?.path.match(/A /g)).toHaveLength(2);
  });

  it.each([
    ["a kind that is not drawn", { type: "box_and_whisker", elements: [{ label: "a" }] }],
    ["no points", { type: "line", elements: [{ label: "a", points: [["x"], "y", [1, "z"]] }] }],
    ["a pie of nothing", { type: "pie", elements: [{ label: "a", angle: 0 }] }],
    ["no elements", { type: "bar" }],
    ["no chart", "chart"],
  ])("draws nothing of %s", (_, value) => {
    expect(draw(value)).toBeUndefined();
  });

  it("stays in its picture and in bounds with hostile numbers and many points", () => {
    const points = Array.from({ length: 100_000 }, (_, at) => [at, at % 2 === 0 ? 1e99 : -1e99]);
    const [line] = shapesOf(
      { type: "line", elements: [{ label: "a", points: [...points, [5, 1e308], [6, "z"]] }] },
      "line",
    );

    expect(line?.points.length).toBeLessThanOrEqual(2_000);
    expect(line?.points.every(({ x, y }) => x >= 0 && x <= 640 && y >= 0 && y <= 320)).toBe(true);
  });

  it("draws a single value that never changes", () => {
    expect(shapesOf({ type: "line", elements: [{ label: "", points: [[1, 7]] }] }, "line")[0]?.points).toHaveLength(1);
  });
});
