/** Lines (from 0, ascending) above which a file can be run; [] when the language is none we run. */
export function findRunnableLines(text: string, languageId: string, path: string): readonly number[] {
  const firstLine = text.slice(0, text.search(/\r?\n|$/));
  const hasShebang = firstLine.startsWith("#!");
  if (languageId === "go") return findGoMain(text, path);
  if (!hasShebang && !RUN_LANGUAGES.has(languageId)) return [];
  // A declaration file holds nothing to run.
  if (/\.d\.[cm]?ts$/.test(path) || text.trim() === "") return [];
  const guard = languageId === "python" ? lineOf(text, PYTHON_GUARD) : undefined;
  return guard === undefined || guard === 0 ? [0] : [0, guard];
}

/** Languages (as VS Code names them) whose files run from top to bottom. */
const RUN_LANGUAGES: ReadonlySet<string> = new Set([
  "python",
  "javascript",
  "typescript",
  "shellscript",
  "ruby",
  "r",
  "php",
  "perl",
]);

const PYTHON_GUARD = /^if\s+__name__\s*==\s*(["'])__main__\1\s*:/m;

function findGoMain(text: string, path: string): readonly number[] {
  if (path.endsWith("_test.go") || !/^package\s+main\b/m.test(text)) return [];
  const main = lineOf(text, /^func\s+main\s*\(\s*\)/m);
  return main === undefined ? [] : [main];
}

function lineOf(text: string, pattern: RegExp): number | undefined {
  const match = pattern.exec(text);
  return match ? text.slice(0, match.index).split("\n").length - 1 : undefined;
}
