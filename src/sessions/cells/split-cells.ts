/** A piece of a file that is run by itself. Lines from 0. */
export interface CodeCell {
  /** From 1, in the order of the file; 0 is what stands before the first marker. */
  readonly number: number;
  /** What its marker says besides: "Load the data" of `# %% Load the data`; "" when it says nothing. */
  readonly title: string;
  /** The line of its marker. */
  readonly startLine: number;
  /** The line after its last. */
  readonly endLine: number;
  /** What it runs, after a blank line for every line before it, so that errors name the file's lines. */
  readonly code: string;
}

// As VS Code's Jupyter extension, Spyder and jupytext write them: # %%, #%%, # In[1]:, # <codecell>; // %% elsewhere.
const MARKER = /^(?:#|\/\/)\s*(?:%%+|In\s?\[[\d ]*\]:?|<(?:code|markdown)cell>)/;
const TEXT_MARKER = /^(?:#|\/\/)\s*(?:%%+.*\[(?:markdown|md|raw)\]|<markdowncell>)/;
const NOTHING_TO_RUN = /^\s*(?:(?:#|\/\/).*)?$/;

/**
 * The cells of a file that can be run, in its order; [] when it has no marker. Cells of text are left out and not counted;
 * what stands before the first marker counts as number 0, unless it is nothing but comments.
 */
export function splitCells(text: string): readonly CodeCell[] {
  const lines = text.split(/\r\n|\n|\r/);
  const starts = lines.flatMap((line, index) => (MARKER.test(line) ? [index] : []));
  const [first] = starts;
  if (first === undefined) return [];
  const cells: CodeCell[] = [];
  if (!lines.slice(0, first).every((line) => NOTHING_TO_RUN.test(line)))
    cells.push({ number: 0, title: "", startLine: 0, endLine: first, code: lines.slice(0, first).join("\n") });
  let number = 0;
  for (const [index, startLine] of starts.entries()) {
    const marker = lines[startLine] ?? "";
    if (TEXT_MARKER.test(marker)) continue;
    const endLine = starts[index + 1] ?? lines.length;
    number += 1;
    const code = "\n".repeat(startLine + 1) + lines.slice(startLine + 1, endLine).join("\n");
    cells.push({ number, title: toTitle(marker), startLine, endLine, code });
  }
  return cells;
}

// Jupytext lets a marker name options too: # %% Title [code] tags=["a"]
function toTitle(marker: string): string {
  return marker
    .replace(MARKER, "")
    .replace(/\s+\w+=.*$/, "")
    .replace(/\[\w+\]/, "")
    .trim();
}
