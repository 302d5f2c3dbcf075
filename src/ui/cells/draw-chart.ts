import type { ChartDrawing, ChartPoint, ChartShape } from "./cell-messages.ts";
import type { AxisLabels, BarValue, ChartData, PointSeries } from "./chart-data.ts";

const WIDTH = 640;
const HEIGHT = 320;
/** Room for the axes' texts. */
const FRAME = { left: 64, right: 16, top: 12, bottom: 46 } as const;
const TICKS = 5;
/** More names along an axis would lie over each other. */
const MAX_NAMES = 8;

interface Span {
  readonly min: number;
  readonly max: number;
}

/** A chart in shapes: axes with round numbers, and each series in a colour of its own. */
export function drawChart(data: ChartData): ChartDrawing {
  switch (data.type) {
    case "pie":
      return toDrawing(
        data.labels,
        drawPie(data.slices),
        data.slices.map(({ label }) => label),
      );
    case "bar":
      return drawBars(data.labels, data.bars);
    case "line":
    case "scatter":
      return drawPoints(data.labels, data.series, data.type === "line");
  }
}

function toDrawing({ title }: AxisLabels, shapes: readonly ChartShape[], legend: readonly string[]): ChartDrawing {
  return { title, width: WIDTH, height: HEIGHT, shapes, legend };
}

function drawPoints(labels: AxisLabels, series: readonly PointSeries[], isLine: boolean): ChartDrawing {
  const all = series.flatMap(({ points }) => points);
  const xs = toRoundSpan(all.map(([x]) => x));
  const ys = toRoundSpan(all.map(([, y]) => y));
  const place = ([x, y]: readonly [number, number]): ChartPoint => ({ x: toX(x, xs), y: toY(y, ys) });
  const names = series.find((each) => each.names)?.names;
  const shapes = series.flatMap(({ points, label }, index): readonly ChartShape[] =>
    isLine
      ? [{ kind: "line", points: points.map(place), series: index }]
      : points.map((point) => ({
          kind: "dot",
          at: place(point),
          series: index,
          label: `${label} ${point.join(", ")}`,
        })),
  );
  const xTexts = names ? drawNames(names, (at) => toX(at, xs)) : drawXTicks(xs);
  const legend = series.length > 1 ? series.map(({ label }) => label) : [];
  return toDrawing(labels, [...drawAxes(labels), ...drawYTicks(ys), ...xTexts, ...shapes], legend);
}

function drawBars(labels: AxisLabels, bars: readonly BarValue[]): ChartDrawing {
  const groups = [...new Set(bars.map(({ group }) => group))];
  const names = [...new Set(bars.map(({ label }) => label))];
  const ys = toRoundSpan([0, ...bars.map(({ value }) => value)]);
  const slot = (WIDTH - FRAME.left - FRAME.right) / names.length;
  const width = (slot * 0.8) / groups.length;
  const zero = toY(0, ys);
  const shapes = bars.map(({ label, group, value }): ChartShape => {
    const left = FRAME.left + slot * (names.indexOf(label) + 0.1) + width * groups.indexOf(group);
    const end = toY(value, ys);
    return {
      kind: "bar",
      at: { x: left, y: Math.min(zero, end) },
      width,
      height: Math.abs(end - zero),
      series: groups.indexOf(group),
      label: [group, label, formatNumber(value)].filter((part) => part !== "").join(", "),
    };
  });
  const texts = drawNames(names, (at) => FRAME.left + slot * (at + 0.5));
  return toDrawing(
    labels,
    [...drawAxes(labels), ...drawYTicks(ys), ...texts, ...shapes],
    groups.length > 1 ? groups : [],
  );
}

function drawPie(slices: readonly BarValue[]): readonly ChartShape[] {
  const total = slices.reduce((sum, { value }) => sum + value, 0);
  const center = { x: WIDTH / 2, y: HEIGHT / 2 };
  const radius = HEIGHT / 2 - 16;
  let before = 0;
  return slices.map(({ label, value }, series) => {
    const [from, to] = [before / total, (before + value) / total];
    before += value;
    const share = ((to - from) * 100).toFixed(1);
    return { kind: "slice", path: toSlice(center, radius, [from, to]), series, label: `${label} ${share} %` };
  });
}

/** From 0 to 1, clockwise from the top. A whole circle has no two ends that an arc could join: it is two halves. */
function toSlice(center: ChartPoint, radius: number, [from, to]: readonly [number, number]): string {
  const at = (part: number): string => {
    const angle = part * 2 * Math.PI - Math.PI / 2;
    return `${round(center.x + radius * Math.cos(angle))} ${round(center.y + radius * Math.sin(angle))}`;
  };
  const arc = (part: number, isLarge: boolean): string => `A ${radius} ${radius} 0 ${isLarge ? 1 : 0} 1 ${at(part)}`;
  if (to - from >= 1) return `M ${at(from)} ${arc(from + 0.5, false)} ${arc(to, false)} Z`;
  return `M ${center.x} ${center.y} L ${at(from)} ${arc(to, to - from > 0.5)} Z`;
}

function drawAxes({ x, y }: AxisLabels): readonly ChartShape[] {
  const origin = { x: FRAME.left, y: HEIGHT - FRAME.bottom };
  const shapes: ChartShape[] = [
    { kind: "axis", from: origin, to: { x: WIDTH - FRAME.right, y: origin.y } },
    { kind: "axis", from: origin, to: { x: origin.x, y: FRAME.top } },
  ];
  const middle = (FRAME.left + WIDTH - FRAME.right) / 2;
  if (x !== "") shapes.push({ kind: "text", at: { x: middle, y: HEIGHT - 6 }, text: x, anchor: "middle" });
  if (y !== "") shapes.push({ kind: "text", at: { x: FRAME.left + 6, y: FRAME.top + 4 }, text: y, anchor: "start" });
  return shapes;
}

function drawYTicks(span: Span): readonly ChartShape[] {
  return toTicks(span).flatMap((value): readonly ChartShape[] => {
    const y = toY(value, span);
    return [
      { kind: "axis", from: { x: FRAME.left - 4, y }, to: { x: FRAME.left, y } },
      { kind: "text", at: { x: FRAME.left - 8, y: y + 4 }, text: formatNumber(value), anchor: "end" },
    ];
  });
}

function drawXTicks(span: Span): readonly ChartShape[] {
  return toTicks(span).flatMap((value) => drawXText(toX(value, span), formatNumber(value)));
}

function drawNames(names: readonly string[], place: (at: number) => number): readonly ChartShape[] {
  const step = Math.ceil(names.length / MAX_NAMES);
  return names.flatMap((name, at) => (at % step === 0 ? drawXText(place(at), shorten(name)) : []));
}

function drawXText(x: number, text: string): readonly ChartShape[] {
  const y = HEIGHT - FRAME.bottom;
  return [
    { kind: "axis", from: { x, y }, to: { x, y: y + 4 } },
    { kind: "text", at: { x, y: y + 18 }, text, anchor: "middle" },
  ];
}

function toX(value: number, { min, max }: Span): number {
  return round(FRAME.left + ((value - min) / (max - min)) * (WIDTH - FRAME.left - FRAME.right));
}

function toY(value: number, { min, max }: Span): number {
  return round(HEIGHT - FRAME.bottom - ((value - min) / (max - min)) * (HEIGHT - FRAME.top - FRAME.bottom));
}

/** From a round number to a round number. */
function toRoundSpan(values: readonly number[]): Span {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  if (min === max) return { min: min - 1, max: max + 1 };
  const step = toStep({ min, max });
  return { min: Math.floor(min / step) * step, max: Math.ceil(max / step) * step };
}

function toTicks(span: Span): readonly number[] {
  const step = toStep(span);
  const first = Math.ceil(span.min / step - 1e-9);
  const last = Math.floor(span.max / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, at) => (first + at) * step);
}

/** 1, 2 or 5 times a power of ten, so that there are about five. */
function toStep({ min, max }: Span): number {
  const rough = (max - min) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
}

function formatNumber(value: number): string {
  return Number.parseFloat(value.toPrecision(6)).toLocaleString([], { maximumSignificantDigits: 6 });
}

function shorten(name: string): string {
  return name.length > 12 ? `${name.slice(0, 11)}…` : name;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
