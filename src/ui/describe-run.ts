import * as vscode from "vscode";
import type { RunRecord, Target } from "../sessions/records.ts";
import { toDisplay } from "../core/workspace-path.ts";
import { describeRunCost } from "./describe-cost.ts";
import { describeProvider, describeTarget } from "./target.ts";

/** How a run went, as one of few. */
export type RunOutcome = "live" | "succeeded" | "failed" | "stopped";

export function outcomeOf(run: RunRecord): RunOutcome {
  if (run.state !== "ended") return "live";
  if (run.stopReason === "user") return "stopped";
  if (run.error || run.exit?.kind !== "exited") return "failed";
  return run.exit.code === 0 ? "succeeded" : "failed";
}

/** What goes on or how it ended, in as few words as will do: "exit 3", "running", "stopped", "timed out". */
export function describeState(run: RunRecord): string {
  if (run.state !== "ended") return describeLive(run);
  if (run.stopReason === "user") return vscode.l10n.t("stopped");
  if (run.stopReason === "timeout") return vscode.l10n.t("timed out");
  if (run.stopReason === "budget") return vscode.l10n.t("over budget");
  if (run.exit?.kind === "exited") return vscode.l10n.t("exit {0}", run.exit.code);
  if (run.exit?.kind === "signaled") return vscode.l10n.t("ended by {0}", run.exit.signal);
  return run.exit ? vscode.l10n.t("lost") : vscode.l10n.t("could not run");
}

function describeLive(run: RunRecord): string {
  switch (run.state) {
    case "preparing":
      return vscode.l10n.t("preparing…");
    case "stopping":
      return vscode.l10n.t("stopping…");
    case "collecting":
      return vscode.l10n.t("bringing files back…");
    case "running":
    case "ended":
      return vscode.l10n.t("running…");
  }
}

/** How long the command itself took; undefined while it runs or when it never started. */
export function durationMsOf(run: RunRecord): number | undefined {
  const end = run.exitedAt ?? run.endedAt;
  if (!run.startedAt || !end) return undefined;
  return Math.max(0, Date.parse(end) - Date.parse(run.startedAt));
}

/** "0.4 s", "12 s", "3 min 5 s", "2 h 3 min". */
export function describeDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 9.95) return vscode.l10n.t("{0} s", seconds.toFixed(1));
  if (seconds < 59.5) return vscode.l10n.t("{0} s", Math.round(seconds));
  const whole = Math.round(seconds);
  if (whole < 3600) return vscode.l10n.t("{0} min {1} s", Math.floor(whole / 60), whole % 60);
  return vscode.l10n.t("{0} h {1} min", Math.floor(whole / 3600), Math.floor((whole % 3600) / 60));
}

/** Files that the run changed, decided or not; 0 before it has ended. */
export function changedFileCount(run: RunRecord): number {
  const changes = run.changes;
  return changes ? changes.added + changes.modified + changes.deleted : 0;
}

export function describeFileCount(count: number): string {
  return count === 1 ? vscode.l10n.t("1 file changed") : vscode.l10n.t("{0} files changed", count);
}

/** Where it ran: "Local (bubblewrap)". */
export function describePlace(run: RunRecord): string {
  return describeTarget(run.target, run.boundary);
}

/** The same where there is little room: what stands between is named only when it is not the provider's own. */
export function describeShortPlace({ target, boundary }: Pick<RunRecord, "target" | "boundary">): string {
  return boundary === "gvisor" ? describeTarget(target, boundary) : describeProvider(target.providerId);
}

/** In two or three words: "network off". */
export function describeNetwork({ network }: Pick<Target, "network">): string {
  if (network === "allow-list") return vscode.l10n.t("network by list");
  return network === "none" ? vscode.l10n.t("network off") : vscode.l10n.t("network on");
}

/** The title as it may be shown anywhere, escapes made visible. */
export function titleOf(run: RunRecord): string {
  return toDisplay(run.title);
}

/** State, duration, place and cost in one line: "exit 3 · 1.2 s · Modal · $0.02". */
export function describeRun(run: RunRecord): string {
  const duration = durationMsOf(run);
  return [
    describeState(run),
    duration === undefined ? undefined : describeDuration(duration),
    describeShortPlace(run),
    describeRunCost(run),
  ]
    .filter((part) => part !== undefined)
    .join(" · ");
}
