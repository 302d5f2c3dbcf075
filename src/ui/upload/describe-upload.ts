import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { Boundary, NetworkPolicy } from "../../core/provider.ts";
import type { SkippedPath } from "../../snapshots/scan/scanner.ts";
import type { Target } from "../../sessions/records.ts";
import type { UploadPreview } from "../../sessions/snapshot-records.ts";
import { describeSize } from "../describe-snapshot.ts";
import { choiceOf } from "../target.ts";
import { destinationOf } from "./agreements.ts";

const MAX_NAMES = 4;

/** "1 file, 3 B", "1,204 files, 3.4 MiB". */
export function describeAmount(count: number, bytes: number): string {
  const size = describeSize(bytes);
  return count === 1
    ? vscode.l10n.t("1 file, {0}", size)
    : vscode.l10n.t("{0} files, {1}", count.toLocaleString(), size);
}

/** Where files would go, behind what, and which: a line each, all that the user has to know to agree to it. */
export function describeTerms(target: Target, contents: readonly string[]): string {
  return [
    vscode.l10n.t("To: {0}", describeDestination(target)),
    vscode.l10n.t("Boundary: {0}", describeBoundary(choiceOf(target).boundary)),
    vscode.l10n.t("Network: {0}", describeNetwork(target)),
    ...contents,
    "",
    vscode.l10n.t("What a run changes comes back for you to review."),
  ].join("\n");
}

/** What a push would send and what it would not, a line each. */
export function describePreview({ files, totalBytes, skipped, findings }: UploadPreview): readonly string[] {
  const sent = describeSent(describeAmount(files.length, totalBytes));
  const warning = findings.length === 0 ? [] : ["", describeFindings(findings.length)];
  return [sent, ...describeKept(skipped), ...warning];
}

/** "Sent: 2 files, 1.0 KiB". */
export function describeSent(what: string): string {
  return vscode.l10n.t("Sent: {0}", what);
}

function describeFindings(count: number): string {
  return count === 1
    ? vscode.l10n.t("1 line in them looks like a credential. You decide about it before anything is sent.")
    : vscode.l10n.t("{0} lines in them look like credentials. You decide about them before anything is sent.", count);
}

/** "Docker (gVisor) at ssh://me@box", "Local (bubblewrap), on this machine". */
function describeDestination(target: Target): string {
  const destination = destinationOf(target);
  const { label } = choiceOf(target);
  if (destination !== "") return vscode.l10n.t("{0} at {1}", label, toDisplay(destination));
  return target.providerId === "local" ? vscode.l10n.t("{0}, on this machine", label) : label;
}

function describeBoundary(boundary: Boundary): string {
  const names: Readonly<Record<Boundary, string>> = {
    host: vscode.l10n.t("none, the machine's own"),
    seatbelt: vscode.l10n.t("Seatbelt, the system's own sandbox"),
    namespaces: vscode.l10n.t("Linux namespaces"),
    container: vscode.l10n.t("a container"),
    gvisor: vscode.l10n.t("gVisor, a kernel of its own"),
    microvm: vscode.l10n.t("a microVM"),
    "hyper-v": vscode.l10n.t("a Hyper-V machine"),
  };
  return names[boundary];
}

function describeNetwork({ network, allowedHosts = [] }: Target): string {
  const texts: Readonly<Record<NetworkPolicy, string>> = {
    none: vscode.l10n.t("off, code there reaches nothing"),
    "allow-list": vscode.l10n.t("on, code there can send what it was given to: {0}", listNames(allowedHosts)),
    full: vscode.l10n.t("on, code there can send what it was given anywhere"),
  };
  return texts[network];
}

/** What stays here, and why: credentials by name, the rest by number. */
function describeKept(skipped: readonly SkippedPath[]): readonly string[] {
  const secrets = skipped.filter(({ kind }) => kind === "secret").map(({ path }) => path);
  const tooLarge = skipped.filter(({ kind }) => kind === "too-large").map(({ path }) => path);
  const others = skipped.length - secrets.length - tooLarge.length;
  return [
    ...(secrets.length > 0 ? [vscode.l10n.t("Held back as secrets: {0}", listNames(secrets))] : []),
    ...(tooLarge.length > 0 ? [vscode.l10n.t("Too large to send: {0}", listNames(tooLarge))] : []),
    ...(others > 0 ? [vscode.l10n.t("Left out by rules: {0}", others.toLocaleString())] : []),
  ];
}

/** "a, b, c, d and 7 more". */
function listNames(paths: readonly string[]): string {
  const names = paths.slice(0, MAX_NAMES).map(toDisplay).join(", ");
  const more = paths.length - MAX_NAMES;
  return more > 0 ? vscode.l10n.t("{0} and {1} more", names, more) : names;
}
