import * as vscode from "vscode";
import { toDisplay } from "../core/workspace-path.ts";
import type { RunRecord, Target } from "../sessions/records.ts";
import type { SnapshotRecord } from "../sessions/snapshot-records.ts";
import { describeNetwork, titleOf } from "./describe-run.ts";
import { describeProvider, describeTarget } from "./target.ts";

/** Its name, or else what made it: "After train.py". Fit to be shown anywhere. */
export function titleOfSnapshot(snapshot: SnapshotRecord, runOf: (id: string) => RunRecord | undefined): string {
  return snapshot.name === undefined ? describeCause(snapshot, runOf) : toDisplay(snapshot.name);
}

/** What made it, in plain words. */
export function describeCause(
  { cause, target, runId }: SnapshotRecord,
  runOf: (id: string) => RunRecord | undefined,
): string {
  const run = runId === undefined ? undefined : runOf(runId);
  if (cause === "exit" && run) return vscode.l10n.t("After {0}", titleOf(run));
  if (cause === "push" && target) return vscode.l10n.t("Sent to {0}", describeProvider(target.providerId));
  return {
    push: vscode.l10n.t("Sent to a sandbox"),
    exit: vscode.l10n.t("After a run"),
    destroy: vscode.l10n.t("Before the sandbox ended"),
    expiry: vscode.l10n.t("Before the sandbox ended"),
    restore: vscode.l10n.t("Before a restore"),
    request: vscode.l10n.t("Taken by hand"),
    import: vscode.l10n.t("Imported"),
  }[cause];
}

/** "1,204 files, 3.4 MiB". */
export function describeContents({ fileCount, totalBytes }: SnapshotRecord): string {
  const size = describeSize(totalBytes);
  return fileCount === 1
    ? vscode.l10n.t("1 file, {0}", size)
    : vscode.l10n.t("{0} files, {1}", fileCount.toLocaleString(), size);
}

/**
 * What a provider of sandboxes holds of it, in few words and in full: "on Modal", "Modal holds it until Dec 1: restores there
 * without sending it". Empty when none does, or no longer.
 */
export function describeHeld({ accelerated }: SnapshotRecord): readonly string[] {
  if (!accelerated || Date.parse(accelerated.until) <= Date.now()) return [];
  const provider = describeProvider(accelerated.providerId);
  const until = new Date(accelerated.until).toLocaleDateString([], { month: "short", day: "numeric" });
  return [
    vscode.l10n.t("on {0}", provider),
    vscode.l10n.t("{0} holds it until {1}: restores there without sending it", provider, until),
  ];
}

/** "812 B", "3.4 KiB", "120 MiB". */
export function describeSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[power] ?? ""}`;
}

/** Where a session ran and with what: "Docker · python:3.12 · network off · H100". */
export function describeTargetInFull(target: Target): string {
  const isGvisor = target.options["boundary"] === "gvisor" || target.options["runtime"] === "runsc";
  const parts = [
    describeTarget(target, isGvisor ? "gvisor" : target.providerId === "docker" ? "container" : "namespaces"),
    target.image,
    describeNetwork(target),
    target.gpu,
  ];
  // Records may come from a file that somebody else made.
  return parts.flatMap((part) => (part === undefined ? [] : [toDisplay(part)])).join(" · ");
}
