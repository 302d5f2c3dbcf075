import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { RunRecord } from "../../sessions/records.ts";
import { describeRunCost } from "../describe-cost.ts";
import {
  changedFileCount,
  describeDuration,
  describeFileCount,
  describeNetwork,
  describePlace,
  describeState,
  durationMsOf,
  outcomeOf,
  titleOf,
} from "../describe-run.ts";
import { describeSentFiles } from "../describe-sent.ts";

// What we draw ourselves in a run's terminal, never out of the run's own output.

const DIM = "\u001b[2m";
const BOLD = "\u001b[1m";
const RED = "\u001b[31m";
const GREEN = "\u001b[32m";
const YELLOW = "\u001b[33m";
const CYAN = "\u001b[36m";
const RESET = "\u001b[0m";
const CLEAR_LINE = "\r\u001b[2K";

/** Takes back whatever output can have left the terminal in, without moving the cursor: an open link, the alternate screen, modes for mouse and keys, a foreign character set, colours, a hidden cursor. */
const TAKE_BACK =
  "\u001b]8;;\u001b\\" +
  "\u001b[?47l\u001b[?1000l\u001b[?1002l\u001b[?1003l\u001b[?1006l\u001b[?2004l\u001b[?2026l\u001b[?1l\u001b>" +
  "\u001b[4l\u001b[?7h\u001b[?25h\u000f\u001b(B\u001b)B\u001b*B\u001b+B\u001b[0m";
/** Ends margins and origin mode, which puts the cursor elsewhere, and goes below everything on screen. */
const TO_BOTTOM = "\u001b[?6l\u001b[r\u001b[9999;1H\r\n";

/** The first line: what runs where, and what it can reach. */
export function headerLine(run: RunRecord): string {
  const text = vscode.l10n.t("{0} in {1}, {2}", titleOf(run), describePlace(run), describeNetwork(run.target));
  return `${DIM}Sandpiper:${RESET} ${BOLD}${text}${RESET}\r\n`;
}

/** Written over the one before; gone when the command starts. */
export function progressLine(progress: string): string {
  return `${CLEAR_LINE}${DIM}${toDisplay(progress)}${RESET}`;
}

export function clearProgressLine(): string {
  return CLEAR_LINE;
}

/** Stands where output was left out. */
export function skipLine(skippedBytes: number): string {
  return `\u001b[0m\r\n${skipText(skippedBytes)}\r\n`;
}

function skipText(skippedBytes: number): string {
  const size = (skippedBytes / 1024 / 1024).toFixed(1);
  return `${YELLOW}${vscode.l10n.t("… {0} MiB of output not shown here: Open full log", size)}${RESET}`;
}

/** How the output left the terminal. */
export interface OutputTrace {
  readonly hadOutput: boolean;
  /** See `EscapeFilter.movedCursor`. */
  readonly movedCursor: boolean;
  readonly skippedBytes: number;
}

/**
 * The last lines: how it ended and what came back. They stand below everything that the output wrote, wherever it left the
 * cursor, so that it cannot pass for them.
 */
export function endLines(run: RunRecord, { hadOutput, movedCursor, skippedBytes }: OutputTrace): string {
  const down = movedCursor ? TO_BOTTOM : hadOutput ? "\r\n" : CLEAR_LINE;
  // Said once more: where it happened has long scrolled away.
  const skipped = skippedBytes > 0 ? [skipText(skippedBytes)] : [];
  const lines = [...skipped, statusLine(run), ...errorLines(run), ...noteLines(run)];
  return `${TAKE_BACK}${down}${lines.join("\r\n")}\r\n`;
}

function statusLine(run: RunRecord): string {
  const outcome = outcomeOf(run);
  const duration = durationMsOf(run);
  const [color, mark] = outcome === "succeeded" ? [GREEN, "✓"] : outcome === "stopped" ? [YELLOW, "■"] : [RED, "✗"];
  const state =
    duration === undefined
      ? describeState(run)
      : vscode.l10n.t("{0} in {1}", describeState(run), describeDuration(duration));
  const count = changedFileCount(run);
  const review = `${CYAN}${vscode.l10n.t("Review")}${RESET}`;
  const parts = [
    `${color}${mark} ${state}${RESET}`,
    describeRunCost(run),
    run.sent && describeSentFiles(run.sent),
    count === 0 ? undefined : `${describeFileCount(count)}: ${review}`,
  ];
  return parts.filter((part) => part !== undefined).join(" · ");
}

function errorLines(run: RunRecord): readonly string[] {
  const lost = run.exit?.kind === "lost" ? [run.exit.reason] : [];
  const messages = run.error ? [run.error.message] : lost;
  return messages.flatMap((message) => message.split("\n")).map((line) => `${RED}${escapeLine(line)}${RESET}`);
}

function noteLines(run: RunRecord): readonly string[] {
  return (run.notes ?? []).slice(0, 10).map((note) => `${YELLOW}${escapeLine(note)}${RESET}`);
}

/** As `toDisplay`, for lines of messages, which may be long. */
function escapeLine(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\u{fffd}").slice(0, 2000);
}
