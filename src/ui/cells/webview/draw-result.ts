import type { CellsRequest, ResultForm, ResultView, TracePart } from "../cell-messages.ts";
import { drawChart } from "./draw-chart.ts";
import { drawHtml } from "./draw-html.ts";
import { drawJson } from "./draw-json.ts";
import { drawTable } from "./draw-table.ts";
import { copyTemplate, create, findIn } from "./elements.ts";

/** What drawing results needs. */
export interface ResultDeps {
  /** Of the cell. */
  readonly id: string;
  readonly say: (request: CellsRequest) => void;
  /** Called when what is drawn has its size, which pictures have late. */
  readonly onDidSettle: () => void;
}

/** One result with its buttons, or what was raised. */
export function drawResult(view: ResultView, deps: ResultDeps): HTMLElement {
  return view.kind === "error" ? drawError(view, deps) : drawForms(view, deps);
}

function drawForms({ index, forms }: Extract<ResultView, { kind: "forms" }>, deps: ResultDeps): HTMLElement {
  const { id, say } = deps;
  const figure = copyTemplate("result", HTMLElement);
  const select = findIn(figure, "select", HTMLSelectElement);
  const body = findIn(figure, ".body", HTMLElement);
  const copy = findIn(figure, '[data-result="copy"]', HTMLButtonElement);
  const save = findIn(figure, '[data-result="save"]', HTMLButtonElement);
  select.append(...forms.map(({ label }, at) => new Option(label, String(at))));
  select.hidden = forms.length < 2;
  const chosen = (): ResultForm | undefined => forms[Number(select.value)] ?? forms[0];
  const draw = (): void => {
    const form = chosen();
    if (!form) return;
    body.replaceChildren(drawForm(form, deps));
    copy.hidden = !canCopy(form);
  };
  select.addEventListener("change", draw);
  copy.addEventListener("click", () => {
    const form = chosen();
    if (form?.kind === "image" && form.mime === "image/png") void copyPicture(form.base64);
    else if (form) say({ type: "copy", id, index, mime: form.mime });
  });
  save.addEventListener("click", () => {
    const form = chosen();
    if (form) say({ type: "save", id, index, mime: form.mime });
  });
  draw();
  return figure;
}

function drawForm(form: ResultForm, { onDidSettle }: ResultDeps): HTMLElement {
  switch (form.kind) {
    case "image": {
      const image = create("img");
      image.alt = form.alt;
      image.addEventListener("load", onDidSettle, { once: true });
      // As a picture a drawing runs none of its scripts and loads nothing.
      image.src = `data:${form.mime};base64,${form.base64}`;
      return image;
    }
    case "html":
      return drawHtml(form);
    case "table":
      return drawTable(form.table);
    case "chart":
      return drawChart(form.chart);
    case "json":
      return drawJson(form.value);
    case "text":
      return create("pre", form.text, "text");
    case "omitted":
      return create("p", form.text, "omitted");
  }
}

function drawError({ title, trace }: Extract<ResultView, { kind: "error" }>, { id, say }: ResultDeps): HTMLElement {
  const block = create("div", "", "error");
  const text = create("pre", "", "text");
  text.tabIndex = 0;
  text.append(...trace.map((part) => drawPart(part, (path, line) => say({ type: "open", id, path, line }))));
  block.append(create("p", title, "error-title"), text);
  return block;
}

function drawPart({ text, path, line }: TracePart, open: (path: string, line: number) => void): Node {
  if (path === undefined || line === undefined) return document.createTextNode(text);
  const link = create("button", text, "link");
  link.type = "button";
  link.addEventListener("click", () => open(path, line));
  return link;
}

function canCopy({ kind, mime }: ResultForm): boolean {
  return kind === "image" ? mime !== "image/jpeg" : kind !== "omitted";
}

/** Only a page can put a picture on the clipboard. */
async function copyPicture(base64: string): Promise<void> {
  const bytes = Uint8Array.from(atob(base64), (character) => character.codePointAt(0) ?? 0);
  await navigator.clipboard.write([new ClipboardItem({ "image/png": new Blob([bytes], { type: "image/png" }) })]);
}
