/** A place in a text, from 0. */
export interface TextPosition {
  readonly line: number;
  readonly character: number;
}

/** Code that can run alone. Lines from 0, both included. */
export interface PaddedSelection {
  readonly text: string;
  readonly firstLine: number;
  readonly lastLine: number;
}

/**
 * The selected part of a text, with a blank line for every line before it, so that errors name the right line, and with the
 * indentation that its lines share taken off. An empty selection stands for its line; a selection that ends at the start of
 * a line does not include that line.
 */
export function padSelection(
  lines: readonly string[],
  selection: { readonly start: TextPosition; readonly end: TextPosition },
  languageId: string,
): PaddedSelection {
  const { start, end } = selection;
  const isEmpty = start.line === end.line && start.character === end.character;
  const endsAtLineStart = end.line > start.line && end.character === 0;
  const lastLine = endsAtLineStart ? end.line - 1 : end.line;
  const code = lines.slice(start.line, lastLine + 1);
  const chosen = isEmpty ? code : cut(code, start.character, endsAtLineStart ? undefined : end.character);
  const padding = Array.from({ length: start.line }, () => "");
  const text = [...padding, ...dedent(chosen)].join("\n") + "\n";
  const isBarePhp = languageId === "php" && !text.includes("<?");
  return { text: isBarePhp ? `<?php ${text}` : text, firstLine: start.line, lastLine };
}

/** Cuts the first line at its start, but for its indentation, and the last at its end. */
function cut(lines: readonly string[], from: number, to: number | undefined): readonly string[] {
  const result = [...lines];
  const last = result.length - 1;
  // The end first: on a single line, cutting the start moves it.
  result[last] = (result[last] ?? "").slice(0, to);
  const first = result[0] ?? "";
  const before = first.slice(0, from);
  result[0] = (before.trim() === "" ? before : "") + first.slice(from);
  return result;
}

/** Takes off the indentation that all lines with something on them share; tabs and spaces are told apart. */
function dedent(lines: readonly string[]): readonly string[] {
  const indents = lines.filter((line) => line.trim() !== "").map((line) => /^[ \t]*/.exec(line)?.[0] ?? "");
  const shared = indents.reduce((a, b) => commonStart(a, b), indents[0] ?? "");
  return lines.map((line) => (line.startsWith(shared) ? line.slice(shared.length) : line.trimStart()));
}

function commonStart(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return a.slice(0, length);
}
