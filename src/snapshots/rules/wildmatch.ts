/** `no-text`: the text ended first, so that no later start matches either; `no-segment`: nor one in this part of the path. */
type Outcome = "match" | "mismatch" | "no-text" | "no-segment";

/** How a pattern is matched. */
export interface WildOptions {
  /** Whether `*`, `?` and `[` stop at a slash and `**` between slashes does not. */
  readonly isPath: boolean;
  readonly ignoreCase: boolean;
}

const CLASSES: Readonly<Record<string, RegExp>> = {
  alnum: /[A-Za-z0-9]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  // oxlint-disable-next-line no-control-regex -- that is what the class is
  cntrl: /[\0-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t-\r ]/,
  upper: /[A-Z]/,
  xdigit: /[A-Fa-f0-9]/,
};

/**
 * Matches as git does, byte for byte, its quirks included: https://git-scm.com/docs/gitignore#_pattern_format, and
 * `dowild` in https://github.com/git/git/blob/master/wildmatch.c, which this follows.
 * @param pattern and text hold a byte per character, see {@link toByteString}
 */
export function isWildMatch(pattern: string, text: string, options: WildOptions): boolean {
  return match({ pattern, text, ...options }, 0, 0) === "match";
}

/** A text with a character for each of its bytes in UTF-8. */
export function toByteString(text: string): string {
  return /^[\0-\x7f]*$/.test(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}

interface Matching extends WildOptions {
  readonly pattern: string;
  readonly text: string;
}

function match(matching: Matching, patternAt: number, textAt: number): Outcome {
  const { pattern, text } = matching;
  let p = patternAt;
  let t = textAt;
  for (; p < pattern.length; p++, t++) {
    if (pattern[p] === "*") return matchStar(matching, { from: patternAt, p, t });
    if (t >= text.length) return "no-text";
    const next = matchOne(matching, p, t);
    if (typeof next === "string") return next;
    p = next;
  }
  return t < text.length ? "mismatch" : "match";
}

/** The index of the last of the pattern's characters that stand for the text's one. */
function matchOne(matching: Matching, p: number, t: number): number | Outcome {
  const { pattern, text, isPath } = matching;
  const symbol = pattern[p];
  if (symbol === "?") return isPath && text[t] === "/" ? "mismatch" : p;
  if (symbol === "[") return matchSet(matching, p, t);
  const at = symbol === "\\" ? p + 1 : p;
  return isSame(matching, pattern.charAt(at), text.charAt(t)) ? at : "mismatch";
}

/** @param at `from` is where this part of the pattern starts, `p` where the star is */
function matchStar(matching: Matching, at: { readonly from: number; readonly p: number; readonly t: number }): Outcome {
  const { pattern, text } = matching;
  let p = at.p;
  while (pattern[p] === "*") p++;
  const crosses = doesCross(matching, at, p);
  if (p >= pattern.length) return crosses || !text.includes("/", at.t) ? "match" : "mismatch";
  if (pattern[p] !== "/") return matchAfterStar(matching, { p, t: at.t, crosses });
  if (crosses) {
    // Between slashes, two stars stand for nothing as well.
    const isNothing = p - at.p > 1 && match(matching, p + 1, at.t) === "match";
    return isNothing ? "match" : matchAfterStar(matching, { p, t: at.t, crosses });
  }
  const slash = text.indexOf("/", at.t);
  return slash < 0 ? "mismatch" : match(matching, p + 1, slash + 1);
}

function matchAfterStar(
  matching: Matching,
  { p, t: from, crosses }: { readonly p: number; readonly t: number; readonly crosses: boolean },
): Outcome {
  for (let t = from; t < matching.text.length; t++) {
    const outcome = match(matching, p, t);
    if (outcome === "mismatch") {
      if (!crosses && matching.text[t] === "/") return "no-segment";
    } else if (!crosses || outcome !== "no-segment") return outcome;
  }
  return "no-text";
}

/** Whether the stars before `end` go over slashes. */
function doesCross(
  { pattern, isPath }: Matching,
  at: { readonly from: number; readonly p: number },
  end: number,
): boolean {
  if (!isPath) return true;
  if (end - at.p === 1) return false;
  const startsPart = at.p === at.from || pattern[at.p - 1] === "/";
  return startsPart && (end >= pattern.length || pattern[end] === "/" || pattern.startsWith("\\/", end));
}

/** The index of the set's end when the character is in it. */
function matchSet(matching: Matching, start: number, t: number): number | Outcome {
  const { pattern, text, isPath } = matching;
  const character = text.charAt(t);
  let p = start + 1;
  const isNegated = pattern[p] === "!" || pattern[p] === "^";
  if (isNegated) p++;
  let isIn = false;
  let previous = "";
  do {
    const item = readItem(pattern, p, previous);
    if (!item) return "no-text";
    isIn ||= item.has(matching, character);
    previous = item.last;
    p = item.end;
  } while (pattern[p] !== "]");
  return isIn === isNegated || (isPath && character === "/") ? "mismatch" : p;
}

interface SetItem {
  readonly end: number;
  /** What a range may begin with; "" when none may. */
  readonly last: string;
  has(options: WildOptions, character: string): boolean;
}

/** Undefined when the set is not complete or names a class that there is not. */
function readItem(pattern: string, p: number, previous: string): SetItem | undefined {
  if (p >= pattern.length) return undefined;
  const next = pattern[p + 1] ?? "]";
  if (pattern[p] === "-" && previous !== "" && next !== "]") return readRange(pattern, p + 1, previous);
  if (pattern.startsWith("[:", p)) return readClass(pattern, p);
  const at = pattern[p] === "\\" ? p + 1 : p;
  return at < pattern.length ? toLiteral(pattern.charAt(at), at + 1) : undefined;
}

function toLiteral(literal: string, end: number): SetItem {
  return { end, last: literal, has: (options, character) => fold(options, character) === literal };
}

function readRange(pattern: string, p: number, from: string): SetItem | undefined {
  const at = pattern[p] === "\\" ? p + 1 : p;
  if (at >= pattern.length) return undefined;
  const to = pattern.charAt(at);
  const has = (options: WildOptions, character: string): boolean => {
    const folded = fold(options, character);
    const upper = options.ignoreCase && /[a-z]/.test(folded) ? folded.toUpperCase() : folded;
    return (folded >= from && folded <= to) || (upper >= from && upper <= to);
  };
  return { end: at + 1, last: "", has };
}

function readClass(pattern: string, p: number): SetItem | undefined {
  const close = pattern.indexOf("]", p + 2);
  if (close < 0) return undefined;
  if (close === p + 2 || pattern[close - 1] !== ":") return toLiteral("[", p + 1);
  const name = pattern.slice(p + 2, close - 1);
  const named = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined;
  if (!named) return undefined;
  const has = (options: WildOptions, character: string): boolean => {
    const folded = fold(options, character);
    return named.test(folded) || (name === "upper" && options.ignoreCase && /[a-z]/.test(folded));
  };
  return { end: close + 1, last: "", has };
}

function isSame(options: WildOptions, symbol: string, character: string): boolean {
  return symbol === character || (symbol !== "" && fold(options, symbol) === fold(options, character));
}

function fold({ ignoreCase }: WildOptions, character: string): string {
  return ignoreCase && /[A-Z]/.test(character) ? character.toLowerCase() : character;
}
