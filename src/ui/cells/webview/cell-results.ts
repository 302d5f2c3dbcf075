// The results of a file's cells, as they are drawn in a web view: what is sent is drawn, and what the user does is said.
// Texts, order and what may be shown at all are the window's.
import type { CellsMessage, CellsPage, CellsRequest, CellsState } from "../cell-messages.ts";
import { type CellView, createCellView } from "./draw-cell.ts";
import { find, write } from "./elements.ts";

/** What VS Code gives a web view, https://code.visualstudio.com/api/extension-guides/webview */
declare function acquireVsCodeApi(): {
  postMessage(message: CellsRequest): void;
  setState(state: CellsState): void;
};

/** As far from its end a page still counts as read to the end. */
const NEAR_PX = 48;

const host = acquireVsCodeApi();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- VS Code's own, which goes to one place alone
const say = (request: CellsRequest): void => host.postMessage(request);
const list = find("cells", HTMLElement);
const stop = find("stop", HTMLButtonElement);
const cells = new Map<string, CellView>();
/** Whether the end is followed as more comes: until the user scrolls away from it. */
let isAtEnd = true;

window.addEventListener("message", ({ data }: MessageEvent<CellsMessage>) => {
  if (data.type === "page") draw(data);
  if (data.type === "text") cells.get(data.id)?.setText(data);
  if (data.type === "results") cells.get(data.id)?.addResults(data);
  followEnd();
});
window.addEventListener("scroll", () => {
  isAtEnd = document.documentElement.scrollHeight - window.scrollY - window.innerHeight < NEAR_PX;
});
stop.addEventListener("click", () => say({ type: "stop-all" }));
find("restart", HTMLButtonElement).addEventListener("click", () => say({ type: "restart" }));
find("clear", HTMLButtonElement).addEventListener("click", () => say({ type: "clear" }));
say({ type: "ready" });

function draw({ title, entries, announcement, isLive, state }: CellsPage): void {
  host.setState(state);
  write(find("title", HTMLElement), title);
  write(find("announcement", HTMLElement), announcement);
  find("empty", HTMLElement).hidden = entries.length > 0;
  stop.disabled = !isLive;
  const ids = new Set(entries.map(({ id }) => id));
  for (const [id, { element }] of cells) {
    if (ids.has(id)) continue;
    element.remove();
    cells.delete(id);
  }
  let before: Element | null = list.firstElementChild;
  for (const entry of entries) {
    const cell = cells.get(entry.id) ?? addCell(entry.id);
    cell.update(entry);
    if (cell.element === before) before = cell.element.nextElementSibling;
    else list.insertBefore(cell.element, before);
  }
}

function addCell(id: string): CellView {
  const cell = createCellView(id, { say, onDidSettle: followEnd });
  cells.set(id, cell);
  isAtEnd = true;
  return cell;
}

/** The last cell is seen whole, or from its top when it is higher than the page. */
function followEnd(): void {
  const last = list.lastElementChild;
  if (!isAtEnd || !last) return;
  last.scrollIntoView({ block: last.clientHeight > window.innerHeight ? "start" : "end" });
}
