import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergeTexts } from "../../../../src/snapshots/changes/merge-text.ts";

const numbered = (count: number, end = "\n"): string[] =>
  Array.from({ length: count }, (_, index) => `line ${index + 1}${end}`);

/** Two texts with lines between them that nobody touches. */
function join(start: readonly string[], end: readonly string[]): string {
  return [...start, "one that stays\n", "another that stays\n", ...end].join("");
}

function withLine(lines: readonly string[], index: number, text: string): string {
  return lines.with(index, text).join("");
}

describe("mergeTexts", () => {
  const lines = numbered(60);
  const base = lines.join("");

  it("keeps the edits of both sides when they are in different lines", () => {
    const merged = mergeTexts({
      base,
      ours: withLine(lines, 49, "mine\n"),
      theirs: withLine(lines, 0, "theirs\n"),
    });

    expect(merged).toBe(withLine(lines.with(0, "theirs\n"), 49, "mine\n"));
  });

  it.each([
    { what: "the same line", ours: withLine(lines, 9, "mine\n"), theirs: withLine(lines, 9, "theirs\n") },
    { what: "adjoining lines", ours: withLine(lines, 9, "mine\n"), theirs: withLine(lines, 10, "theirs\n") },
    { what: "a line that the other side deleted", ours: withLine(lines, 9, ""), theirs: withLine(lines, 9, "x\n") },
    { what: "the end, in two ways", ours: `${base}mine\n`, theirs: `${base}theirs\n` },
  ])("says nothing when both edited $what", ({ ours, theirs }) => {
    expect(mergeTexts({ base, ours, theirs })).toBeUndefined();
    expect(mergeTexts({ base, ours: theirs, theirs: ours })).toBeUndefined();
  });

  it("takes the same edit on both sides once", () => {
    const same = lines.with(9, "same\n");

    expect(mergeTexts({ base, ours: withLine(same, 40, "mine\n"), theirs: same.join("") })).toBe(
      withLine(same, 40, "mine\n"),
    );
  });

  it("keeps CRLF, a byte order mark and a last line without an end", () => {
    const crlf = numbered(20, "\r\n");
    const text = `\ufeff${crlf.join("")}last`;

    const merged = mergeTexts({
      base: text,
      ours: text.replace("line 18\r\n", "mine\r\n"),
      theirs: text.replace("line 3\r\n", ""),
    });

    expect(merged).toBe(text.replace("line 18\r\n", "mine\r\n").replace("line 3\r\n", ""));
  });

  it("joins no two lines where one side takes away the last line end and the other goes on after it", () => {
    expect(mergeTexts({ base: "a\nb\n", ours: "a\nb", theirs: "a\nb\nc\n" })).toBeUndefined();
  });

  it("merges long texts, and gives up on those that are long and all alike", () => {
    const long = numbered(20_000);
    const alike = Array.from({ length: 2_000 }, () => "same\n");

    expect(
      mergeTexts({
        base: long.join(""),
        ours: withLine(long, 19_000, "mine\n"),
        theirs: withLine(long, 5, "theirs\n"),
      }),
    ).toBe(withLine(long.with(5, "theirs\n"), 19_000, "mine\n"));
    expect(
      mergeTexts({
        base: alike.join(""),
        ours: withLine(alike, 1_000, "mine\n"),
        theirs: withLine(alike, 5, "theirs\n"),
      }),
    ).toBeUndefined();
  });

  // Lines come from few, so that many are alike.
  const anyLines = fc.array(fc.constantFrom("a\n", "b\n", "c\n", "}\n", "\n", "d\r\n"), { maxLength: 12 });

  it("gives a side's text where the other side changed nothing, for any texts", () => {
    fc.assert(
      fc.property(anyLines, anyLines, (from, to) => {
        const [old, edited] = [from.join(""), to.join("")];
        expect(mergeTexts({ base: old, ours: edited, theirs: old })).toBe(edited);
        expect(mergeTexts({ base: old, ours: old, theirs: edited })).toBe(edited);
        expect(mergeTexts({ base: old, ours: edited, theirs: edited })).toBe(edited);
      }),
    );
  });

  it("gives both edits where lines that neither touched are between them, for any texts and edits", () => {
    fc.assert(
      fc.property(
        fc.tuple(anyLines, anyLines, anyLines, anyLines),
        fc.boolean(),
        ([head, newHead, tail, newTail], isSwapped) => {
          const sides = { ours: join(newHead, tail), theirs: join(head, newTail) };
          const { ours, theirs } = isSwapped ? { ours: sides.theirs, theirs: sides.ours } : sides;

          expect(mergeTexts({ base: join(head, tail), ours, theirs })).toBe(join(newHead, newTail));
        },
      ),
    );
  });

  it("is the same whichever side is called ours, for any texts", () => {
    fc.assert(
      fc.property(anyLines, anyLines, anyLines, (from, one, other) => {
        const [old, a, b] = [from.join(""), one.join(""), other.join("")];
        expect(mergeTexts({ base: old, ours: a, theirs: b })).toBe(mergeTexts({ base: old, ours: b, theirs: a }));
      }),
    );
  });
});
