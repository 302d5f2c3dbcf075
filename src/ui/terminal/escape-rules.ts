/** What becomes of one control sequence: the text to write instead (empty when it is dropped). */
export interface Kept {
  readonly text: string;
  /** Whether it can put the cursor somewhere other than further down. */
  readonly movesCursor: boolean;
}

const DROPPED: Kept = { text: "", movesCursor: false };
const CSI = "\u001b[";
const OSC = "\u001b]";
const ST = "\u001b\\";

/** Final bytes of sequences without prefix: insert, move, erase, scroll, colours, margins, tabs, save and restore. */
const PLAIN_FINALS = new Set("@ABCDEFGHIJKLMPSTXZ`abdefgmrsu");
/** Colours, erasing, and moving within the line. */
const STAYING_FINALS = new Set("mKXPCDG@IZJ`agbsqhl");
/** The cursor's shape, and insert mode. */
const SPECIAL = /^(?:\d{0,2} q|4[hl])$/;
/**
 * Private modes that programs need and that make nothing talk to us: cursor keys, origin, wrap, blink, cursor, reverse wrap,
 * alternate screens, keypad, mouse, bracketed paste, synchronised output.
 */
const PRIVATE_MODES = new Set([1, 6, 7, 12, 25, 45, 47, 66, 1000, 1002, 1003, 1006, 1047, 1048, 1049, 2004, 2026]);
const STAYING_MODES = new Set([1, 7, 12, 25, 45, 66, 1000, 1002, 1003, 1006, 2004, 2026]);
const MAX_URL_CHARACTERS = 2048;

/**
 * Judges a control sequence, given what stands between `CSI` and its final byte. Everything that a terminal answers (DA, DSR,
 * DECRQM, XTVERSION, window reports, kitty's keyboard) has a final byte or prefix that is not let through.
 */
export function csiToKeep(body: string, final: string): Kept {
  if (body.startsWith("?")) return privateToKeep(body.slice(1), final);
  const isHarmless = SPECIAL.test(body + final) || (PLAIN_FINALS.has(final) && isPlainBody(body, final));
  return isHarmless ? { text: CSI + body + final, movesCursor: !STAYING_FINALS.has(final) } : DROPPED;
}

function isPlainBody(body: string, final: string): boolean {
  if (final === "m") return /^[\d;:]*$/.test(body);
  // Terminals repeat as often as they are told to, and hang.
  if (!/^[\d;]*$/.test(body) || /\d{5}/.test(body)) return false;
  // Erasing what has scrolled away would hide what was written before, our own lines among it.
  return final !== "J" || !/(?:^|;)0*3(?:;|$)/.test(body);
}

function privateToKeep(parameters: string, final: string): Kept {
  if ((final === "J" || final === "K") && /^[012]?$/.test(parameters)) {
    return { text: `${CSI}?${parameters}${final}`, movesCursor: false };
  }
  if ((final !== "h" && final !== "l") || !/^[\d;]+$/.test(parameters)) return DROPPED;
  const modes = parameters
    .split(";")
    .map(Number)
    .filter((mode) => PRIVATE_MODES.has(mode));
  if (modes.length === 0) return DROPPED;
  return { text: `${CSI}?${modes.join(";")}${final}`, movesCursor: modes.some((mode) => !STAYING_MODES.has(mode)) };
}

/** Judges a two- or three-byte escape sequence, given its intermediate bytes. */
export function escToKeep(intermediates: string, final: string): Kept {
  if (/^[()*+]$/.test(intermediates) && /^[AB0]$/.test(final)) {
    return { text: `\u001b${intermediates}${final}`, movesCursor: false };
  }
  if (intermediates !== "") return DROPPED;
  if ("=>H7".includes(final)) return { text: `\u001b${final}`, movesCursor: false };
  if ("8DEM".includes(final)) return { text: `\u001b${final}`, movesCursor: true };
  // A full reset would take our own lines with it; what its sender wants is a clean screen.
  if (final === "c") return { text: `${CSI}0m${CSI}r${CSI}2J${CSI}H`, movesCursor: true };
  return DROPPED;
}

/** Judges an operating system command, given what stands between `OSC` and its end. Only links to the web are kept. */
export function oscToKeep(body: string): Kept {
  const link = /^8;[^;]*;(.*)$/s.exec(body);
  if (!link) return DROPPED;
  const url = link[1] ?? "";
  const isSafe = url.length <= MAX_URL_CHARACTERS && /^https?:\/\/[\u0021-\u007e]+$/i.test(url);
  return { text: `${OSC}8;;${isSafe ? url : ""}${ST}`, movesCursor: false };
}
