import { csiToKeep, escToKeep, oscToKeep } from "./escape-rules.ts";

type State = "ground" | "escape" | "csi" | "osc" | "string";

/** What a string that is thrown away may hold before text is shown again: binary output must not hide all that follows. */
const MAX_STRING_CHARACTERS = 1024 * 1024;
const MAX_CSI_CHARACTERS = 256;
const MAX_OSC_CHARACTERS = 4096;

/** Controls that end what is open and begin something, wherever they stand. The rest of C1 (U+0080-U+009F) is dropped. */
const BEGINS: Readonly<Record<string, State>> = {
  "\u0018": "ground",
  "\u001a": "ground",
  "\u001b": "escape",
  "\u009b": "csi",
  "\u009d": "osc",
  "\u0090": "string",
  "\u0098": "string",
  "\u009e": "string",
  "\u009f": "string",
};
const ESC_STATE: Readonly<Record<string, State>> = {
  "[": "csi",
  "]": "osc",
  P: "string",
  X: "string",
  "^": "string",
  _: "string",
};
/** Bell, backspace, tab, line ends, form feed, shift out and in. ENQ is missing: terminals answer it. */
const KEPT_CONTROLS = new Set(["\u0007", "\b", "\t", "\n", "\u000b", "\f", "\r", "\u000e", "\u000f"]);

/**
 * Makes hostile output safe for a terminal. It parses as a terminal does (ECMA-48, and the state machine of
 * https://vt100.net/emu/dec_ansi_parser) and writes out afresh only text and sequences that it knows to be harmless:
 * colours, cursor movement, erasing, the alternate screen, http(s) links. Nothing that makes a terminal answer, touch the
 * clipboard, change titles or speak VS Code's shell integration comes out, however it is cut into chunks.
 */
export class EscapeFilter {
  #decoder = new TextDecoder("utf-8");
  #state: State = "ground";
  #pending = "";
  #dropped = 0;
  #movedCursor = false;

  /** Whether anything has moved the cursor other than forward through lines, so that the last line written is not known to be the last on screen. */
  get movedCursor(): boolean {
    return this.#movedCursor;
  }

  /** The safe part of the next bytes, in any cut; incomplete characters and sequences wait for the next call. */
  write(bytes: Uint8Array): string {
    return this.#filter(this.#decoder.decode(bytes, { stream: true }));
  }

  /** Forgets what is incomplete, as at the end of the output or where a part of it is skipped. */
  reset(): void {
    this.#decoder = new TextDecoder("utf-8");
    this.#toGround();
  }

  #filter(text: string): string {
    let out = "";
    let plainFrom = 0;
    for (let index = 0; index < text.length; index++) {
      const character = text.charAt(index);
      if (this.#state === "ground" && isPlain(character)) continue;
      if (this.#state === "ground" && plainFrom < index) out += text.slice(plainFrom, index);
      plainFrom = index + 1;
      out += this.#step(character);
    }
    // What is left is plain only when no sequence is open.
    return this.#state === "ground" && plainFrom < text.length ? out + text.slice(plainFrom) : out;
  }

  #step(character: string): string {
    const begun = BEGINS[character];
    if (begun) return this.#begin(begun);
    switch (this.#state) {
      case "ground":
        return KEPT_CONTROLS.has(character) ? character : "";
      case "escape":
        return this.#stepEscape(character);
      case "csi":
        return this.#stepCsi(character);
      case "osc":
        return this.#stepOsc(character);
      case "string":
        return this.#stepString(character);
    }
  }

  #stepEscape(character: string): string {
    // A terminal acts on a control inside a sequence at once.
    if (character < " ") return KEPT_CONTROLS.has(character) ? character : "";
    // No sequence goes on like that: it is text.
    if (character > "~") return this.#toGround() + (isPlain(character) ? character : "");
    const next = this.#pending === "" ? ESC_STATE[character] : undefined;
    if (next) return this.#begin(next);
    if (character >= " " && character <= "/" && this.#pending.length < 3) {
      this.#pending += character;
      return "";
    }
    return this.#finish(escToKeep(this.#pending, character));
  }

  #stepCsi(character: string): string {
    if (character < " ") return KEPT_CONTROLS.has(character) ? character : "";
    if (character >= "@" && character <= "~") return this.#finish(csiToKeep(this.#pending, character));
    if (character > "~") return "";
    if (this.#pending.length >= MAX_CSI_CHARACTERS) this.#dropped = 1;
    else this.#pending += character;
    return "";
  }

  #stepOsc(character: string): string {
    if (character === "\u0007" || character === "\u009c") return this.#finish(oscToKeep(this.#pending));
    return this.#collectString(character, MAX_OSC_CHARACTERS);
  }

  #stepString(character: string): string {
    return character === "\u009c" ? this.#toGround() : this.#collectString(character, 0);
  }

  #collectString(character: string, keepCharacters: number): string {
    if (character < " ") return "";
    if (this.#pending.length < keepCharacters) this.#pending += character;
    else if (++this.#dropped > MAX_STRING_CHARACTERS) this.#toGround();
    return "";
  }

  /** An escape ends whatever is open; one that follows an OSC is (the first half of) its terminator. */
  #begin(state: State): string {
    const out =
      this.#state === "osc" && state === "escape" && this.#dropped === 0 ? oscToKeep(this.#pending) : undefined;
    this.#toGround();
    this.#state = state;
    return out?.text ?? "";
  }

  #finish(kept: { readonly text: string; readonly movesCursor: boolean }): string {
    const isWhole = this.#dropped === 0;
    this.#toGround();
    if (!isWhole) return "";
    this.#movedCursor ||= kept.movesCursor;
    return kept.text;
  }

  #toGround(): string {
    this.#state = "ground";
    this.#pending = "";
    this.#dropped = 0;
    return "";
  }
}

function isPlain(character: string): boolean {
  return character >= " " && (character < "\u007f" || character > "\u009f");
}
