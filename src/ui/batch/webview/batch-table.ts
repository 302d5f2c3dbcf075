// The table of a batch, as it runs in a web view: it draws the page that it is sent and says what the user does. Everything
// else (texts, order, which rows) is the window's.
import {
  FILTERS,
  ROW_ACTIONS,
  SORT_KEYS,
  type TablePage,
  type TableRequest,
  type TableRow,
  type TableState,
  type TableView,
} from "../batch-messages.ts";

/** What VS Code gives a web view, https://code.visualstudio.com/api/extension-guides/webview */
declare function acquireVsCodeApi(): {
  postMessage(message: TableRequest): void;
  getState(): TableState | undefined;
  setState(state: TableState): void;
};

const host = acquireVsCodeApi();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- VS Code's own, which goes to one place alone
const say = (request: TableRequest): void => host.postMessage(request);
const batchId = document.body.dataset["batch"] ?? "";
const body = find("rows", HTMLTableSectionElement);
const template = find("row", HTMLTemplateElement);
const filter = find("filter", HTMLSelectElement);
const previous = find("previous", HTMLButtonElement);
const next = find("next", HTMLButtonElement);
const stop = find("stop", HTMLButtonElement);
const progress = find("progress", HTMLProgressElement);
const headings = document.querySelectorAll<HTMLButtonElement>("button[data-sort]");
/** By index of the run: a row that stays keeps its element, and with it the focus. */
const rows = new Map<number, HTMLTableRowElement>();
const runIds = new WeakMap<HTMLTableRowElement, string>();
let view: TableView = host.getState()?.view ?? { sort: "index", isDescending: false, filter: "all", page: 0 };

window.addEventListener("message", ({ data }: MessageEvent<TablePage>) => {
  if (data.type === "page") draw(data);
});
filter.addEventListener("change", () => {
  ask({ filter: FILTERS.find((each) => each === filter.value) ?? "all", page: 0 });
});
previous.addEventListener("click", () => ask({ page: view.page - 1 }));
next.addEventListener("click", () => ask({ page: view.page + 1 }));
stop.addEventListener("click", () => say({ type: "stop" }));
for (const heading of headings) heading.addEventListener("click", () => sortBy(heading.dataset["sort"]));
body.addEventListener("click", ({ target }) => {
  if (target instanceof HTMLButtonElement) act(target);
});
say({ type: "view", view });

function ask(change: Partial<TableView>): void {
  view = { ...view, ...change };
  say({ type: "view", view });
}

/** Once more by the same is the other way round. */
function sortBy(key: string | undefined): void {
  const isSame = key === view.sort;
  const sort = SORT_KEYS.find((each) => each === key);
  if (sort) ask({ sort, isDescending: isSame && !view.isDescending, page: 0 });
}

function act(button: HTMLButtonElement): void {
  const row = button.closest("tr");
  const runId = row ? runIds.get(row) : undefined;
  const type = ROW_ACTIONS.find((each) => each === button.dataset["action"]);
  if (type && runId !== undefined) say({ type, runId });
}

function draw(page: TablePage): void {
  view = page.view;
  host.setState({ batchId, view });
  write(find("title", HTMLElement), page.title);
  write(find("summary", HTMLElement), page.summary);
  write(find("announcement", HTMLElement), page.announcement);
  write(find("range", HTMLElement), page.range);
  progress.max = Math.max(1, page.count);
  progress.value = page.done;
  stop.disabled = !page.isLive;
  previous.disabled = view.page === 0;
  next.disabled = view.page >= page.pageCount - 1;
  drawFilter(page);
  for (const heading of headings) drawHeading(heading);
  drawRows(page.rows);
}

function drawFilter({ counts }: TablePage): void {
  for (const option of filter.options) {
    const key = FILTERS.find((each) => each === option.value);
    if (key) write(option, counts[key]);
  }
  filter.value = view.filter;
}

function drawHeading(heading: HTMLButtonElement): void {
  const isSorted = heading.dataset["sort"] === view.sort;
  const order = !isSorted ? "none" : view.isDescending ? "descending" : "ascending";
  heading.closest("th")?.setAttribute("aria-sort", order);
}

function drawRows(shown: readonly TableRow[]): void {
  const focused = document.activeElement;
  const indexes = new Set(shown.map(({ index }) => index));
  for (const [index, element] of rows) {
    if (indexes.has(index)) continue;
    element.remove();
    rows.delete(index);
  }
  let before: Element | null = body.firstElementChild;
  for (const row of shown) {
    const element = rows.get(row.index) ?? createRow(row.index);
    drawRow(element, row);
    if (element === before) before = element.nextElementSibling;
    else body.insertBefore(element, before);
  }
  // What is moved loses the focus.
  if (focused instanceof HTMLElement && focused !== document.activeElement && body.contains(focused)) focused.focus();
}

function createRow(index: number): HTMLTableRowElement {
  const element = document.importNode(template.content, true).querySelector("tr");
  if (!element) throw new TypeError("The page has no template of a row.");
  rows.set(index, element);
  for (const button of element.querySelectorAll("button")) {
    button.setAttribute("aria-label", `${button.textContent} #${index}`);
  }
  return element;
}

function drawRow(element: HTMLTableRowElement, row: TableRow): void {
  const texts = [`#${row.index}`, row.stateText, row.exit, row.duration, row.cost, row.changes];
  for (const [at, text] of texts.entries()) {
    const cell = element.cells[at];
    if (cell) write(cell, text);
  }
  element.dataset["state"] = row.state;
  element.title = row.reason;
  if (row.runId === undefined) runIds.delete(element);
  else runIds.set(element, row.runId);
  for (const button of element.querySelectorAll("button")) {
    button.disabled = row.runId === undefined || (button.dataset["action"] === "review" && !row.hasChanges);
  }
}

/** Only what differs: the rest need not be laid out again, nor said again. */
function write(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

function find<E extends Element>(id: string, kind: new () => E): E {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new TypeError(`The page has no ${id}.`);
}
