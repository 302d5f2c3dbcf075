import type { TableView } from "../cell-messages.ts";
import { create } from "./elements.ts";

/** A table whose head stays in sight, and that can be scrolled by keys. */
export function drawTable({ columns, rows, caption }: TableView): HTMLElement {
  const frame = create("div", "", "table");
  const table = create("table");
  const kinds = columns.map(({ isNumeric }) => (isNumeric ? "number" : ""));
  const head = table.createTHead().insertRow();
  for (const [at, { name }] of columns.entries()) {
    const cell = create("th", name, kinds[at]);
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const [at, text] of row.entries()) line.append(create("td", text, kinds[at]));
  }
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", caption);
  frame.append(table);
  const whole = create("div");
  whole.append(frame, create("p", caption, "caption"));
  return whole;
}
