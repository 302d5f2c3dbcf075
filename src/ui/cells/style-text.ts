import type { TextSpan } from "./cell-messages.ts";

/** Names of the sixteen colours, as VS Code's terminal names them in its theme. */
const COLORS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;
// What is left when hostile sequences are gone: colours, and others that mean nothing where there is no cursor.
const SEQUENCE =
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  /\u001b\[([\d;:]*)m|\u001b\[[\d;:?]*[ -/]*[@-~]|\u001b\][^\u001b\u0007]*(?:\u001b\\|\u0007)|\u001b[ -/]*[0-~]/g;
/** What is overwritten on its line, as progress bars do. */
const OVERWRITTEN = /[^\n]*\r(?!\n|$)/g;
// oxlint-disable-next-line no-control-regex -- as above
const OTHER_CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

interface Style {
  readonly color: string;
  readonly background: string;
  readonly isBold: boolean;
  readonly isDim: boolean;
  readonly isItalic: boolean;
  readonly isUnderlined: boolean;
}

const PLAIN: Style = {
  color: "",
  background: "",
  isBold: false,
  isDim: false,
  isItalic: false,
  isUnderlined: false,
};

/**
 * Terminal output as spans of plain text: the sixteen colours, bold, dim, italic and underlined text (ECMA-48, SGR) become
 * classes, a line that was written anew shows what was written last, and every other control is dropped.
 */
export function styleText(text: string, base = ""): readonly TextSpan[] {
  const spans: TextSpan[] = [];
  let style = PLAIN;
  let from = 0;
  const shown = text.replace(OVERWRITTEN, "");
  const add = (to: number): void => {
    const plain = shown.slice(from, to).replace(OTHER_CONTROLS, "");
    if (plain !== "") spans.push({ text: plain, style: toClasses(style, base) });
  };
  for (const match of shown.matchAll(SEQUENCE)) {
    add(match.index);
    from = match.index + match[0].length;
    if (match[1] !== undefined) style = applySgr(style, match[1]);
  }
  add(shown.length);
  return spans;
}

function applySgr(style: Style, parameters: string): Style {
  const codes = parameters === "" ? [0] : parameters.split(/[;:]/).map(Number);
  let now = style;
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0;
    // One of 256 colours, or of 16 million: the first sixteen are the others' names, the rest have none here.
    if (code === 38 || code === 48) {
      const isIndexed = codes[at + 1] === 5;
      const color = isIndexed ? colorOf(codes[at + 2] ?? -1) : "";
      now = code === 38 ? { ...now, color } : { ...now, background: color };
      at += isIndexed ? 2 : 4;
    } else now = { ...now, ...changeOf(code) };
  }
  return now;
}

const CHANGES: ReadonlyMap<number, Partial<Style>> = new Map<number, Partial<Style>>([
  [0, PLAIN],
  [1, { isBold: true }],
  [2, { isDim: true }],
  [3, { isItalic: true }],
  [4, { isUnderlined: true }],
  [22, { isBold: false, isDim: false }],
  [23, { isItalic: false }],
  [24, { isUnderlined: false }],
  [39, { color: "" }],
  [49, { background: "" }],
]);

function changeOf(code: number): Partial<Style> {
  const known = CHANGES.get(code);
  if (known) return known;
  if (code >= 30 && code <= 37) return { color: colorOf(code - 30) };
  if (code >= 90 && code <= 97) return { color: colorOf(code - 82) };
  if (code >= 40 && code <= 47) return { background: colorOf(code - 40) };
  if (code >= 100 && code <= 107) return { background: colorOf(code - 92) };
  return {};
}

/** "red", "bright-red"; "" for what is none of the sixteen. */
function colorOf(index: number): string {
  const name = COLORS[index % 8];
  if (name === undefined || index < 0 || index > 15) return "";
  return index < 8 ? name : `bright-${name}`;
}

function toClasses(style: Style, base: string): string {
  return [
    base,
    style.color && `fg-${style.color}`,
    style.background && `bg-${style.background}`,
    style.isBold ? "bold" : "",
    style.isDim ? "dim" : "",
    style.isItalic ? "italic" : "",
    style.isUnderlined ? "underlined" : "",
  ]
    .filter((name) => name !== "")
    .join(" ");
}
