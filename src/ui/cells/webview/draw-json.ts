import { create } from "./elements.ts";

const MAX_CHILDREN = 200;
/** Deeper ones are made when they are opened. */
const OPEN_DEPTH = 1;

/** JSON as a tree that can be opened by keys; what is inside is drawn when it is first opened. */
export function drawJson(value: unknown, key?: string, depth = 0): HTMLElement {
  if (typeof value !== "object" || value === null) return drawLeaf(value, key);
  const entries = Object.entries(value);
  if (entries.length === 0) return drawLeaf(value, key);
  const details = create("details", "", "json");
  const summary = create("summary");
  if (key !== undefined) summary.append(create("span", `${key}: `, "key"));
  summary.append(Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`);
  details.append(summary);
  let isDrawn = false;
  const drawInside = (): void => {
    if (isDrawn || !details.open) return;
    isDrawn = true;
    for (const [name, child] of entries.slice(0, MAX_CHILDREN)) details.append(drawJson(child, name, depth + 1));
    if (entries.length > MAX_CHILDREN) details.append(create("div", `… ${entries.length - MAX_CHILDREN}`));
  };
  details.addEventListener("toggle", drawInside);
  details.open = depth < OPEN_DEPTH;
  drawInside();
  return details;
}

function drawLeaf(value: unknown, key: string | undefined): HTMLElement {
  const line = create("div", "", "leaf");
  if (key !== undefined) line.append(create("span", `${key}: `, "key"));
  line.append(create("span", JSON.stringify(value), typeof value === "string" ? "string" : "literal"));
  return line;
}
