/** A chart's data, of the kinds that are drawn. */
export type ChartData =
  | { readonly type: "line" | "scatter"; readonly labels: AxisLabels; readonly series: readonly PointSeries[] }
  | { readonly type: "bar"; readonly labels: AxisLabels; readonly bars: readonly BarValue[] }
  | { readonly type: "pie"; readonly labels: AxisLabels; readonly slices: readonly BarValue[] };

export interface AxisLabels {
  readonly title: string;
  readonly x: string;
  readonly y: string;
}

export interface PointSeries {
  readonly label: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** What `x` stands for where it is no number: texts by place. */
  readonly names?: readonly string[];
}

export interface BarValue {
  readonly label: string;
  /** Bars of a group share a colour. */
  readonly group: string;
  readonly value: number;
}

const MAX_SERIES = 20;
const MAX_POINTS = 2_000;
const MAX_BARS = 200;
/** Beyond it differences are no longer numbers. */
const MAX_VALUE = 1e100;

/**
 * Reads a chart as E2B describes it, see `CHART_MIME`; undefined when it is of a kind that is not drawn, or says nothing.
 * Points beyond some thousands are thinned out evenly.
 */
export function readChart(value: unknown): ChartData | undefined {
  const chart = toRecord(value);
  const elements = Array.isArray(chart["elements"]) ? chart["elements"].map(toRecord) : [];
  const labels = { title: toText(chart["title"]), x: toText(chart["x_label"]), y: toText(chart["y_label"]) };
  switch (chart["type"]) {
    case "line":
    case "scatter": {
      const series = elements
        .slice(0, MAX_SERIES)
        .map(readSeries)
        .filter(({ points }) => points.length > 0);
      return series.length > 0 ? { type: chart["type"], labels, series } : undefined;
    }
    case "bar": {
      const bars = elements.slice(0, MAX_BARS).flatMap((element) => readBar(element, "value"));
      return bars.length > 0 ? { type: "bar", labels, bars } : undefined;
    }
    case "pie": {
      const slices = elements.slice(0, MAX_BARS).flatMap((element) => readBar(element, "angle"));
      return slices.some(({ value: angle }) => angle > 0) ? { type: "pie", labels, slices } : undefined;
    }
    default:
      return undefined;
  }
}

function readSeries(element: Record<string, unknown>): PointSeries {
  const all = Array.isArray(element["points"]) ? element["points"].filter(isPair) : [];
  const step = Math.max(1, Math.ceil(all.length / MAX_POINTS));
  const kept = all.filter((_, at) => at % step === 0);
  const label = toText(element["label"]);
  const xs = kept.map(([x]) => toPlace(x));
  const isNumeric = xs.every(isDrawable);
  const points = kept
    .map(([, y], at): readonly [number, number] => [isNumeric ? (xs[at] ?? 0) : at, Number(y)])
    .filter(([, y]) => isDrawable(y));
  return isNumeric ? { label, points } : { label, points, names: kept.map(([x]) => toText(x)) };
}

/** A number, or a moment in milliseconds; NaN for what is neither. */
function toPlace(value: unknown): number {
  if (typeof value === "number") return value;
  return typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN;
}

function readBar(element: Record<string, unknown>, key: "value" | "angle"): readonly BarValue[] {
  const value = Number(element[key]);
  if (!isDrawable(value) || (key === "angle" && value < 0)) return [];
  return [{ label: toText(element["label"]), group: toText(element["group"]), value }];
}

function isDrawable(value: number): boolean {
  return Math.abs(value) <= MAX_VALUE;
}

function isPair(value: unknown): value is readonly [unknown, unknown] {
  return Array.isArray(value) && value.length >= 2;
}

function toText(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value).slice(0, 100) : "";
}

function toRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
