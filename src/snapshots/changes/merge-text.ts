import { diff3Merge } from "node-diff3";

/** A text and the two that were made from it. */
export interface ThreeTexts {
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
}

interface ThreeParts {
  readonly base: readonly string[];
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
}

/** Where a line is in each of three texts. */
interface Anchor {
  readonly base: number;
  readonly ours: number;
  readonly theirs: number;
}

// Such that comparing takes a fifth of a second at most; see `toSteps`.
const MAX_STEPS = 100_000_000;

/**
 * Both sides' edits in one text; undefined when they touch the same or adjoining lines in different ways, or when the
 * texts are too long and too repetitive to tell. Line ends, and whether the last line has one, are part of a line.
 */
export function mergeTexts({ base, ours, theirs }: ThreeTexts): string | undefined {
  const parts = splitAtAnchors({ base: toLines(base), ours: toLines(ours), theirs: toLines(theirs) });
  let steps = 0;
  for (const { base: from, ours: one, theirs: other } of parts) steps += toSteps(from, one) + toSteps(from, other);
  if (steps > MAX_STEPS) return undefined;
  const merged: string[] = [];
  for (const part of parts) {
    const text = mergeParts(part);
    if (text === undefined) return undefined;
    merged.push(text);
  }
  return merged.join("");
}

function toLines(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** What the library takes to compare: for each pair of equal lines it may go through all pairs found so far. */
function toSteps(from: readonly string[], to: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const line of from) counts.set(line, (counts.get(line) ?? 0) + 1);
  let pairs = from.length;
  for (const line of to) pairs += counts.get(line) ?? 0;
  return pairs * Math.min(from.length, to.length);
}

function mergeParts({ base, ours, theirs }: ThreeParts): string | undefined {
  // Nearly every part: asking the library takes far longer.
  if (isSame(base, ours)) return theirs.join("");
  const regions = diff3Merge([...ours], [...base], [...theirs], { excludeFalseConflicts: true });
  const lines: string[] = [];
  for (const { ok } of regions) {
    if (!ok) return undefined;
    lines.push(ok.join(""));
  }
  return lines.join("");
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, at) => line === b[at]);
}

/**
 * Cuts three texts at the lines that each has once, as far as they come in the same order in all three (as the patience
 * diff does, https://bramcohen.livejournal.com/73318.html). Such a line starts a part, so that a part is short even where
 * the texts are long.
 */
function splitAtAnchors(texts: ThreeParts): readonly ThreeParts[] {
  const parts: ThreeParts[] = [];
  let from: Anchor = { base: 0, ours: 0, theirs: 0 };
  const end = { base: texts.base.length, ours: texts.ours.length, theirs: texts.theirs.length };
  for (const anchor of [...findAnchors(texts), end]) {
    parts.push({
      base: texts.base.slice(from.base, anchor.base),
      ours: texts.ours.slice(from.ours, anchor.ours),
      theirs: texts.theirs.slice(from.theirs, anchor.theirs),
    });
    from = anchor;
  }
  return parts;
}

function findAnchors({ base, ours, theirs }: ThreeParts): readonly Anchor[] {
  const [inOurs, inTheirs] = [toPlaces(ours), toPlaces(theirs)];
  const anchors: Anchor[] = [];
  for (const [line, at] of toPlaces(base)) {
    const [our, their] = [inOurs.get(line), inTheirs.get(line)];
    if (at !== undefined && our !== undefined && their !== undefined)
      anchors.push({ base: at, ours: our, theirs: their });
  }
  anchors.sort((a, b) => a.base - b.base);
  return longestRising(
    longestRising(anchors, ({ ours: place }) => place),
    ({ theirs: place }) => place,
  );
}

/** Line -> its place, or undefined when it comes more than once. */
function toPlaces(lines: readonly string[]): ReadonlyMap<string, number | undefined> {
  const places = new Map<string, number | undefined>();
  for (const [at, line] of lines.entries()) places.set(line, places.has(line) ? undefined : at);
  return places;
}

interface Link<T> {
  readonly item: T;
  readonly before: Link<T> | undefined;
}

/** The longest part of `items` (in their order, not all neighbours) whose values rise, by patience sorting. */
function longestRising<T>(items: readonly T[], valueOf: (item: T) => number): readonly T[] {
  // At each length the smallest item that such a part can end with, and what comes before it there.
  const tails: Link<T>[] = [];
  for (const item of items) {
    let [low, high] = [0, tails.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const tail = tails[middle];
      if (tail && valueOf(tail.item) < valueOf(item)) low = middle + 1;
      else high = middle;
    }
    tails[low] = { item, before: tails[low - 1] };
  }
  const longest: T[] = [];
  for (let link = tails.at(-1); link; link = link.before) longest.push(link.item);
  return longest.toReversed();
}
