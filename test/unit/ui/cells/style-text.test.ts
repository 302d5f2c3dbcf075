import { describe, expect, it } from "vitest";
import { styleText } from "../../../../src/ui/cells/style-text.ts";

const ESC = "\u001b";

describe("styleText", () => {
  it.each([
    ["plain text", "a\nb", [["a\nb", ""]]],
    [
      "a colour until it is reset",
      `${ESC}[31mred${ESC}[0m plain`,
      [
        ["red", "fg-red"],
        [" plain", ""],
      ],
    ],
    ["bright colours and backgrounds", `${ESC}[92;44mx`, [["x", "fg-bright-green bg-blue"]]],
    ["one of 256 that is one of sixteen", `${ESC}[38;5;12mx`, [["x", "fg-bright-blue"]]],
    [
      "one of 16 million as none",
      `${ESC}[38;2;1;2;3mx${ESC}[1my`,
      [
        ["x", ""],
        ["y", "bold"],
      ],
    ],
    ["bold, dim, italic and underlined text", `${ESC}[1;2;3;4mx`, [["x", "bold dim italic underlined"]]],
    [
      "an empty sequence as a reset",
      `${ESC}[35mx${ESC}[my`,
      [
        ["x", "fg-magenta"],
        ["y", ""],
      ],
    ],
  ] as const)("makes classes of %s", (...row) => {
    const [, text, expected] = row;

    expect(styleText(text).map((span) => [span.text, span.style])).toEqual(expected);
  });

  it("names the stream that it comes from in each span", () => {
    expect(styleText(`a${ESC}[31mb`, "stderr").map(({ style }) => style)).toEqual(["stderr", "stderr fg-red"]);
  });

  it.each([
    ["a progress bar as it was last", "10 %\r55 %\r100 %\ndone", "100 %\ndone"],
    ["Windows' line ends", "a\r\nb\r\n", "a\nb\n"],
    ["a line that has just been sent back to its start", "50 %\r", "50 %"],
  ])("shows %s", (_, text, expected) => {
    expect(
      styleText(text)
        .map((span) => span.text)
        .join(""),
    ).toBe(expected);
  });

  it.each([
    ["cursor movement", `a${ESC}[2Ab`],
    ["a link", `${ESC}]8;;https://example.com${ESC}\\ab${ESC}]8;;${ESC}\\`],
    ["a title", `${ESC}]0;title\u0007ab`],
    ["a bell", "a\u0007b"],
    ["a character set", `${ESC}(Bab`],
  ])("drops %s", (_, text) => {
    expect(
      styleText(text)
        .map((span) => span.text)
        .join(""),
    ).toBe("ab");
  });
});
