import { CELL_ACTIONS, type CellEntry, type CellResults, type CellsRequest, type CellText } from "../cell-messages.ts";
import { drawResult } from "./draw-result.ts";
import { copyTemplate, create, findIn, write } from "./elements.ts";

/** A cell on the page. */
export interface CellView {
  readonly element: HTMLElement;
  update(entry: CellEntry): void;
  setText(text: CellText): void;
  addResults(results: CellResults): void;
}

/** What a cell on the page needs. */
export interface CellViewDeps {
  readonly say: (request: CellsRequest) => void;
  readonly onDidSettle: () => void;
}

/** Makes the element of a cell, which is nowhere yet. */
export function createCellView(id: string, { say, onDidSettle }: CellViewDeps): CellView {
  const element = copyTemplate("cell", HTMLElement);
  const results = findIn(element, ".results", HTMLElement);
  for (const button of element.querySelectorAll<HTMLButtonElement>("button[data-action]")) {
    const type = CELL_ACTIONS.find((each) => each === button.dataset["action"]);
    if (type) button.addEventListener("click", () => say({ type, id }));
  }
  return {
    element,
    update: (entry) => update(element, entry),
    setText: (text) => setText(element, text),
    addResults: ({ isFirst, results: views }) => {
      if (isFirst) results.replaceChildren();
      results.append(...views.map((view) => drawResult(view, { id, say, onDidSettle })));
    },
  };
}

function update(element: HTMLElement, entry: CellEntry): void {
  const { count, source, state, stateText, time, changes, notes } = entry;
  element.dataset["state"] = state;
  element.setAttribute("aria-label", [count, source, stateText].join(", "));
  const texts: readonly (readonly [selector: string, text: string])[] = [
    [".count", count],
    [".source", source],
    [".state", stateText],
    [".time", time],
    ['[data-action="review"]', changes],
  ];
  for (const [selector, text] of texts) write(findIn(element, selector, HTMLElement), text);
  findIn(element, '[data-action="review"]', HTMLElement).hidden = changes === "";
  findIn(element, '[data-action="stop"]', HTMLElement).hidden = state !== "live";
  findIn(element, '[data-action="rerun"]', HTMLElement).hidden = state === "live" || state === "waiting";
  const list = findIn(element, ".notes", HTMLElement);
  list.hidden = notes.length === 0;
  if (list.textContent !== notes.join("")) list.replaceChildren(...notes.map((note) => create("li", note)));
}

/** What stays the same keeps its elements: text can be selected while more comes. */
function setText(element: HTMLElement, { spans, skipped }: CellText): void {
  const pre = findIn(element, ":scope > .text", HTMLElement);
  const more = findIn(element, ".skipped", HTMLElement);
  write(more, skipped);
  more.hidden = skipped === "";
  pre.hidden = spans.length === 0;
  const drawn = [...pre.children];
  const same = drawn.findIndex(
    (span, at) => span.textContent !== spans[at]?.text || span.className !== spans[at].style,
  );
  const keep = same === -1 ? Math.min(drawn.length, spans.length) : same;
  for (const span of drawn.slice(keep)) span.remove();
  pre.append(...spans.slice(keep).map(({ text, style }) => create("span", text, style)));
}
