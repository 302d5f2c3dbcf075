import { isWildMatch, toByteString } from "./wildmatch.ts";

/** One line of an ignore file that says something. */
export interface IgnorePattern {
  /** As it is written there, without what does not count at its end. */
  readonly text: string;
  /** From 1. */
  readonly line: number;
  readonly isNegated: boolean;
  /** @param path relative to the folder that the file is for; a byte per character */
  matches(path: string, isFolder: boolean): boolean;
}

/** The patterns of one ignore file, in order; the last that matches decides. */
export type IgnorePatterns = readonly IgnorePattern[];

/** Reads an ignore file as git does (https://git-scm.com/docs/gitignore#_pattern_format, `dir.c` of git). */
export function parseIgnoreFile(content: string, ignoreCase: boolean): IgnorePatterns {
  const patterns: IgnorePattern[] = [];
  const lines = content.replace(/^\ufeff/, "").split("\n");
  for (const [index, line] of lines.entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const text = trimEnd(line.replace(/\r$/, ""));
    const pattern = toPattern(toByteString(text), ignoreCase);
    if (pattern) patterns.push({ ...pattern, text, line: index + 1 });
  }
  return patterns;
}

/** The pattern that decides about a path, if any does. */
export function findPattern(patterns: IgnorePatterns, path: string, isFolder: boolean): IgnorePattern | undefined {
  if (patterns.length === 0) return undefined;
  const bytes = toByteString(path);
  return patterns.findLast((pattern) => pattern.matches(bytes, isFolder));
}

// Spaces at the end do not count, but for one with a backslash before it.
function trimEnd(line: string): string {
  let end = -1;
  for (let at = 0; at < line.length; at++) {
    if (line[at] === " ") {
      if (end < 0) end = at;
      continue;
    }
    end = -1;
    if (line[at] === "\\" && ++at >= line.length) return line;
  }
  return end < 0 ? line : line.slice(0, end);
}

function toPattern(line: string, ignoreCase: boolean): Pick<IgnorePattern, "isNegated" | "matches"> | undefined {
  const isNegated = line.startsWith("!");
  const whole = isNegated ? line.slice(1) : line;
  const forFolders = whole.endsWith("/");
  const body = forFolders ? whole.slice(0, -1) : whole;
  if (body === "") return undefined;
  const test = body.includes("/") ? toPathTest(body.replace(/^\//, ""), ignoreCase) : toNameTest(body, ignoreCase);
  return { isNegated, matches: (path, isFolder) => (isFolder || !forFolders) && test(path) };
}

function toNameTest(pattern: string, ignoreCase: boolean): (path: string) => boolean {
  if (!/[*?[\\]/.test(pattern)) {
    const literal = fold(pattern, ignoreCase);
    return (path) => fold(toName(path), ignoreCase) === literal;
  }
  if (/^\*[^*?[\\]*$/.test(pattern)) {
    const ending = fold(pattern.slice(1), ignoreCase);
    return (path) => fold(toName(path), ignoreCase).endsWith(ending);
  }
  return (path) => isWildMatch(pattern, toName(path), { isPath: false, ignoreCase });
}

function toName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

// Git takes what is before the first special character off both before it looks at the rest, and that shows: "a/b**/c"
// matches "a/bc".
function toPathTest(pattern: string, ignoreCase: boolean): (path: string) => boolean {
  const special = pattern.search(/[*?[\\]/);
  const literal = fold(special < 0 ? pattern : pattern.slice(0, special), ignoreCase);
  const rest = pattern.slice(literal.length);
  return (path) => {
    if (fold(path.slice(0, literal.length), ignoreCase) !== literal) return false;
    const tail = path.slice(literal.length);
    return rest === "" ? tail === "" : isWildMatch(rest, tail, { isPath: true, ignoreCase });
  };
}

// Of bytes: only what ASCII has is folded.
function fold(text: string, ignoreCase: boolean): string {
  return ignoreCase ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text;
}
