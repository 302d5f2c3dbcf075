import type { ChartDrawing, ChartShape } from "../cell-messages.ts";
import { create } from "./elements.ts";

const SVG = "http://www.w3.org/2000/svg";
/** As many colours as the style sheet has; more series begin anew. */
const COLORS = 8;

/** A chart with its title and legend, in the theme's colours. */
export function drawChart({ title, width, height, shapes, legend }: ChartDrawing): HTMLElement {
  const whole = create("div", "", "chart");
  if (title !== "") whole.append(create("p", title, "chart-title"));
  const svg = createShape("svg", { viewBox: `0 0 ${width} ${height}` });
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", title);
  svg.append(...shapes.map(drawShape));
  whole.append(svg);
  if (legend.length > 0) whole.append(drawLegend(legend));
  return whole;
}

function drawShape(shape: ChartShape): SVGElement {
  switch (shape.kind) {
    case "axis": {
      const { from, to } = shape;
      return createShape("line", { class: "axis", x1: from.x, y1: from.y, x2: to.x, y2: to.y });
    }
    case "line": {
      const points = shape.points.map(({ x, y }) => `${x},${y}`).join(" ");
      return createShape("polyline", { class: `stroke ${colorOf(shape.series)}`, points });
    }
    case "dot": {
      const dot = createShape("circle", {
        class: `fill ${colorOf(shape.series)}`,
        cx: shape.at.x,
        cy: shape.at.y,
        r: 3,
      });
      return withTip(dot, shape.label);
    }
    case "bar": {
      const { at, width, height, series } = shape;
      const bar = createShape("rect", { class: `fill ${colorOf(series)}`, x: at.x, y: at.y, width, height });
      return withTip(bar, shape.label);
    }
    case "slice":
      return withTip(createShape("path", { class: `fill ${colorOf(shape.series)}`, d: shape.path }), shape.label);
    case "text": {
      const text = createShape("text", { x: shape.at.x, y: shape.at.y, "text-anchor": shape.anchor });
      text.textContent = shape.text;
      return text;
    }
  }
}

function drawLegend(legend: readonly string[]): HTMLElement {
  const list = create("ul", "", "legend");
  for (const [series, label] of legend.entries()) {
    const item = create("li");
    item.append(create("span", "", `swatch ${colorOf(series)}`), label);
    list.append(item);
  }
  return list;
}

function createShape(name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (!(element instanceof SVGElement)) throw new TypeError(`${name} is no shape.`);
  return element;
}

function withTip(shape: SVGElement, label: string): SVGElement {
  const tip = createShape("title", {});
  tip.textContent = label;
  shape.append(tip);
  return shape;
}

function colorOf(series: number): string {
  return `series-${series % COLORS}`;
}
