import type { ResultForm } from "../cell-messages.ts";
import { create } from "./elements.ts";

/** As the page's own, once more: the frame runs nothing and fetches nothing. */
const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'";

/** HTML in a frame of an origin of its own: no scripts, no forms, no way to the network or to this page. It can be made higher by its corner. */
export function drawHtml({ html, heightPx, label }: Extract<ResultForm, { kind: "html" }>): HTMLElement {
  const holder = create("div", "", "html");
  holder.style.height = `${heightPx}px`;
  const frame = create("iframe");
  frame.setAttribute("sandbox", "");
  frame.title = label;
  frame.srcdoc = `<!DOCTYPE html><meta http-equiv="Content-Security-Policy" content="${POLICY}"><style>${toStyle()}</style>${html}`;
  holder.append(frame);
  return holder;
}

function toColorScheme(): string {
  const isLight = ["vscode-light", "vscode-high-contrast-light"].some((name) => document.body.classList.contains(name));
  return isLight ? "light" : "dark";
}

/** The theme's colours and letters: a page in a frame has no variables of ours. */
function toStyle(): string {
  const theme = getComputedStyle(document.body);
  const take = (name: string): string => theme.getPropertyValue(name).trim();
  const border = take("--vscode-editorWidget-border") || "gray";
  return [
    `body{margin:4px;color:${theme.color};font:${theme.fontSize} ${theme.fontFamily}}`,
    `a{color:${take("--vscode-textLink-foreground")}}`,
    "table{border-collapse:collapse;border:0;font-variant-numeric:tabular-nums}",
    `th,td{padding:2px 8px;border:0;border-bottom:1px solid ${border};text-align:start}`,
    `:root{color-scheme:${toColorScheme()};background:${take("--vscode-editor-background")}}`,
  ].join("");
}
