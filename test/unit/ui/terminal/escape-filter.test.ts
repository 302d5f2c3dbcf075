/* oxlint-disable no-control-regex -- control characters are what this is about */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EscapeFilter } from "../../../../src/ui/terminal/escape-filter.ts";

const ESC = "\u001b";

function filter(text: string | Uint8Array): string {
  return new EscapeFilter().write(typeof text === "string" ? Buffer.from(text, "utf8") : text);
}

describe("EscapeFilter drops", () => {
  it.each([
    ["23: clipboard set", `${ESC}]52;c;cm0gLXJmIC8=\u0007`],
    ["23: clipboard query", `${ESC}]52;c;?${ESC}\\`],
    ["25: title by OSC 0", `${ESC}]0;exit 0\u0007`],
    ["25: title by OSC 2", `${ESC}]2;exit 0${ESC}\\`],
    ["25: working folder", `${ESC}]7;file:///etc\u0007`],
    ["25: FinalTerm marks", `${ESC}]133;D;0\u0007`],
    ["25: VS Code shell integration", `${ESC}]633;E;rm -rf /\u0007`],
    ["25: iTerm2", `${ESC}]1337;File=inline=1:AAAA\u0007`],
    ["colour queries and changes", `${ESC}]10;?\u0007${ESC}]4;1;?\u0007${ESC}]11;#fff\u0007`],
    ["26: primary, secondary, tertiary DA", `${ESC}[c${ESC}[0c${ESC}[>c${ESC}[=c`],
    ["26: DECID", `${ESC}Z`],
    ["26: DSR and cursor position", `${ESC}[5n${ESC}[6n${ESC}[?6n${ESC}[?996n`],
    ["26: DECRQSS", `${ESC}P$qm${ESC}\\`],
    ["26: XTGETTCAP", `${ESC}P+q544e${ESC}\\`],
    ["26: XTVERSION", `${ESC}[>q${ESC}[>0q`],
    ["26: DECRQM", `${ESC}[?1049$p${ESC}[4$p`],
    ["26: window reports", `${ESC}[18t${ESC}[21t${ESC}[14;2t`],
    ["26: DECREQTPARM", `${ESC}[x${ESC}[1x`],
    ["26: kitty keyboard", `${ESC}[?u${ESC}[>1u${ESC}[=1;1u${ESC}[<u`],
    ["26: modifyOtherKeys", `${ESC}[>4;2m${ESC}[?4m`],
    ["26: answerback", "\u0005"],
    ["APC, PM, SOS", `${ESC}_Gi=1;AAAA${ESC}\\${ESC}^x${ESC}\\${ESC}Xx${ESC}\\`],
    ["28: C1 as UTF-8: CSI, OSC, DCS", "\u009bc\u009d52;c;?\u009c\u0090$qm\u009c\u009f x\u009c"],
    ["scrollback erasing", `${ESC}[3J`],
    ["focus and colour scheme reports", `${ESC}[?1004h${ESC}[?2031h`],
    ["repetition without end", `${ESC}[99999999b`],
  ])("%s", (_, sequence) => {
    expect(filter(`a${sequence}b`)).toBe("ab");
  });

  it("28: raw 8-bit C1 bytes, which are no UTF-8", () => {
    expect(filter(Buffer.from([0x61, 0x9b, 0x63, 0x62]))).toBe("a\ufffdcb");
  });

  it.each(["file:///etc/passwd", "command:workbench.action.quit", "vscode:extension/x", "javascript:1", "http://a b"])(
    "24: the target of a link to %s",
    (url) => {
      expect(filter(`${ESC}]8;;${url}${ESC}\\text`)).toBe(`${ESC}]8;;${ESC}\\text`);
    },
  );
});

describe("EscapeFilter keeps", () => {
  it.each([
    ["colours", `${ESC}[1;31mred${ESC}[0m ${ESC}[38;5;208mx${ESC}[38:2::1:2:3mx${ESC}[m`],
    ["cursor movement", `${ESC}[2A${ESC}[10;20H${ESC}[K${ESC}[2J${ESC}[1G`],
    [
      "the alternate screen and what full-screen programs need",
      `${ESC}[?1049h${ESC}[?25l${ESC}[1;24r${ESC}(0q${ESC}(B${ESC}=`,
    ],
    ["links to the web", `${ESC}]8;;https://example.org/a?b=c${ESC}\\text${ESC}]8;;${ESC}\\`],
    ["text of every script, line ends and tabs", "héllo 日本 🐦\r\n\tx\b\u0007"],
  ])("%s", (_, text) => {
    expect(filter(text)).toBe(text);
  });

  it("the harmless ones of several modes set at once", () => {
    expect(filter(`${ESC}[?1004;2004h`)).toBe(`${ESC}[?2004h`);
  });

  it("a clean screen where the output asks for a full reset", () => {
    expect(filter(`x${ESC}c`)).toBe(`x${ESC}[0m${ESC}[r${ESC}[2J${ESC}[H`);
  });

  it("what follows a megabyte of an unfinished string", () => {
    const text = filter(`${ESC}P${"x".repeat(1024 * 1024 + 10)}end`);

    expect(text.endsWith("end")).toBe(true);
  });
});

describe("EscapeFilter", () => {
  const piece = fc.constantFrom(
    "a",
    "é",
    "🐦",
    ESC,
    "[",
    "]",
    "P",
    "_",
    "\\",
    "?",
    ">",
    ";",
    "8;;http://x",
    "52;c;?",
    "1",
    "m",
    "c",
    "n",
    "h",
    "H",
    "q",
    "$",
    " ",
    "\u0007",
    "\u009b",
    "\u009d",
    "\u009c",
    "\u0018",
    "\r",
    "\n",
    "\u0005",
  );
  const output = fc.array(piece, { maxLength: 60 }).map((pieces) => Buffer.from(pieces.join(""), "utf8"));

  it("28: says the same however the output is cut", () => {
    fc.assert(
      fc.property(output, fc.array(fc.nat(60), { maxLength: 8 }), (bytes, cuts) => {
        const cutter = new EscapeFilter();
        const ends = [...cuts, bytes.length].sort((a, b) => a - b);
        let from = 0;
        let text = "";
        for (const end of ends) {
          text += cutter.write(bytes.subarray(from, end));
          from = Math.max(from, Math.min(end, bytes.length));
        }

        expect(text).toBe(filter(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  it("lets through only sequences it knows, whatever the bytes are", () => {
    const known =
      /^(?:[^\u0000-\u001f\u007f-\u009f]|[\u0007\b\t\n\u000b\f\r\u000e\u000f]|\u001b\]8;;(?:https?:\/\/[!-~]*)?\u001b\\|\u001b\[[\d;:]*[@A-MPSTXZ`a-bd-gmrsu]|\u001b\[\?[\d;]*[hlJK]|\u001b\[4[hl]|\u001b\[\d* q|\u001b[()*+][AB0]|\u001b[=>H78DEM])*$/u;
    const check = (bytes: Uint8Array): void => {
      expect(filter(bytes)).toMatch(known);
    };

    fc.assert(fc.property(output, check), { numRuns: 2000 });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check), { numRuns: 2000 });
  });

  it("is not changed by its own output", () => {
    fc.assert(
      fc.property(output, (bytes) => {
        const once = filter(bytes);

        expect(filter(once)).toBe(once);
      }),
    );
  });

  it.each([
    ["plain lines and colours", `a\r\n${ESC}[31mb${ESC}[0m\rc`, false],
    ["a cursor sent up", `a\r\n${ESC}[2A`, true],
    ["the alternate screen", `${ESC}[?1049h`, true],
    ["margins", `${ESC}[1;5r`, true],
  ])("27: knows whether the cursor was moved by %s", (_, text, expected) => {
    const moved = new EscapeFilter();
    moved.write(Buffer.from(text));

    expect(moved.movedCursor).toBe(expected);
  });
});
