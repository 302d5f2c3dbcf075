/** A place in a file that a line of output names. */
export interface FileMention {
  /** Where the text stands in the line, in UTF-16 units. */
  readonly start: number;
  readonly length: number;
  /** Relative to the workspace, POSIX; not checked. */
  readonly path: string;
  /** From 1. */
  readonly line?: number;
  readonly column?: number;
}

/** Every sandbox has the workspace in a folder of that name: /workspace, /home/sandbox/workspace. */
const WORKSPACE = "/workspace/";
/** Python's `File "x.py", line 12`. */
const PYTHON = /File "([^"\n]{1,1000})", line (\d{1,9})/g;
/** `/workspace/x.js:12:3`, `./x.rb:4`, `lib/x.sh: line 4`: an absolute path in the workspace, or any with an extension and a line. */
const ANY =
  /((?<![\w./-])(?:\/[\w.-]{1,50}){0,4}\/workspace\/[^\s:"'()<>|]{1,1000}|(?<![\w@./+:-])(?:\.\/)?[\w@.+-][\w@./+-]{0,500}\.\w{1,8}(?=:(?: line )?\d))(?::(?: line )?(\d{1,9})(?::(\d{1,9}))?)?/g;
/** What a selection is sent as: see {@link selectionPath}. */
const SELECTION = /(^|\/)\.sandpiper-selection-\d+\.([^/]+)$/;

/** What a selection of `path` is sent as: beside its file, so that relative imports hold, and named so that links lead back to the file. */
export function selectionPath(path: string, serial: number): string {
  const cut = path.lastIndexOf("/") + 1;
  return `${path.slice(0, cut)}.sandpiper-selection-${serial}.${path.slice(cut)}`;
}

/** The files and lines that a line of output mentions, from left to right. */
export function findFileMentions(text: string): readonly FileMention[] {
  const mentions: FileMention[] = [];
  for (const pattern of [PYTHON, ANY]) {
    for (const match of text.matchAll(pattern)) {
      const [whole, name, line, column] = match;
      const path = toWorkspacePath(name ?? "");
      const overlaps = mentions.some(
        ({ start, length }) => match.index < start + length && start < match.index + whole.length,
      );
      if (path === undefined || overlaps) continue;
      mentions.push({
        start: match.index,
        length: whole.length,
        path,
        ...(line === undefined ? {} : { line: Number(line) }),
        ...(column === undefined ? {} : { column: Number(column) }),
      });
    }
  }
  return mentions.sort((a, b) => a.start - b.start);
}

function toWorkspacePath(name: string): string | undefined {
  const root = name.startsWith("/") ? name.indexOf(WORKSPACE) : undefined;
  if (root === -1) return undefined;
  const path = (root === undefined ? name : name.slice(root + WORKSPACE.length))
    .replace(/^(?:\.\/)+/, "")
    .replace(/[.,;]+$/, "");
  return path.replace(SELECTION, "$1$2");
}
