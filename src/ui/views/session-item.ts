import { dirname } from "node:path";
import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { SessionRecord } from "../../sessions/records.ts";
import type { SnapshotRecord } from "../../sessions/snapshot-records.ts";
import { abilitiesOf } from "../abilities.ts";
import { costOf, describeRate, describeUsd } from "../describe-cost.ts";
import { describeShortPlace } from "../describe-run.ts";
import { titleOfSnapshot } from "../describe-snapshot.ts";
import { describeAge } from "../describe-time.ts";
import { isLive, type RunStore } from "../run-store.ts";
import { describeTarget } from "../target.ts";
import { openRoots } from "../workspace-folder.ts";

/** How it stands with a session, as a row shows it. */
interface Standing {
  readonly icon: string;
  /** First flag of the row's context after "session". */
  readonly flag: string;
  readonly text: string;
  /** More of it, for the tooltip. */
  readonly reason?: string;
}

export function toSessionItem(store: RunStore, session: SessionRecord): vscode.TreeItem {
  const { Expanded, None } = vscode.TreeItemCollapsibleState;
  const hasContexts = session.state === "ready" && hasCells(store, session);
  const item = new vscode.TreeItem(toDisplay(session.name), hasContexts ? Expanded : None);
  const { icon, flag, text, reason } = describeStanding(store, session);
  const isHere = openRoots().includes(session.workspaceRoot);
  const place = describeTarget(session.target, session.boundary);
  const money = describeMoney(session);
  // VS Code keeps a row as it was, closed too: one that has something to open is another row.
  item.id = hasContexts ? `${session.id}/contexts` : session.id;
  item.iconPath = new vscode.ThemeIcon(icon);
  item.description = [...describeFolder(session, isHere), describeShortPlace(session), ...describeGpu(session), text]
    .concat(money.slice(0, 1))
    .join(" · ");
  item.tooltip = [
    toDisplay(session.name),
    [place, ...describeGpu(session)].join(" · "),
    text,
    ...money,
    ...(reason === undefined ? [] : [toDisplay(reason)]),
    ...describeOrigin(store, session),
    ...describeEnd(session),
    toDisplay(session.workspaceRoot),
  ].join("\n");
  // What its provider lacks has no entry in the menu.
  const abilities = flag === "ready" ? abilitiesOf(session.target) : [];
  item.contextValue = ["session", flag, ...(isHere ? ["here"] : []), ...abilities].join(";");
  item.accessibilityInformation = {
    label: [toDisplay(session.name), place, ...describeGpu(session), text, ...money].join(", "),
  };
  return item;
}

/** Whether cells keep their state there. */
function hasCells(store: RunStore, { id }: SessionRecord): boolean {
  return store.runs.some((run) => run.sessionId === id && run.command.kind === "cell");
}

/** One row for the many sandboxes that were made for one run each. */
export function toDetachedItem(sessions: readonly SessionRecord[]): vscode.TreeItem {
  const label = vscode.l10n.t("{0} sandboxes of one run each", sessions.length.toLocaleString());
  const item = new vscode.TreeItem(label, vscode.TreeItemCollapsibleState.Collapsed);
  const usdPerHour = sessions.reduce((sum, { rate }) => sum + (rate?.usdPerHour ?? 0), 0);
  item.id = "sessions-detached";
  item.iconPath = new vscode.ThemeIcon("server-environment");
  item.description = usdPerHour > 0 ? describeRate(usdPerHour) : "";
  item.tooltip = vscode.l10n.t("Each ends with its run.");
  item.accessibilityInformation = { label: [label, item.description].filter((part) => part !== "").join(", ") };
  return item;
}

/** The newest snapshot of what the session's sandbox held. */
export function findSnapshotOf(store: RunStore, session: SessionRecord): SnapshotRecord | undefined {
  return store.snapshots.find(({ sessionId }) => sessionId === session.id);
}

function describeStanding(store: RunStore, session: SessionRecord): Standing {
  const { state } = session;
  if (state === "creating") return { icon: "sync~spin", flag: state, text: vscode.l10n.t("starting") };
  if (state === "destroying") return { icon: "sync~spin", flag: state, text: vscode.l10n.t("ending") };
  if (state === "ready") return { icon: "vm-active", flag: state, text: describeActivity(store, session) };
  if (state === "paused") return { icon: "debug-pause", flag: state, text: describePause(session) };
  const snapshot = findSnapshotOf(store, session);
  const age = describeAge(session.lastUsedAt);
  const reason = session.endReason === undefined ? {} : { reason: session.endReason };
  if (!snapshot) return { icon: "vm-outline", flag: "lost", text: vscode.l10n.t("lost, {0}", age), ...reason };
  const title = titleOfSnapshot(snapshot, (id) => store.run(id));
  return { icon: "history", flag: "restorable", text: vscode.l10n.t("restorable: {0}, {1}", title, age), ...reason };
}

/** What is paused is not kept for ever. */
function describePause({ expiresAt }: SessionRecord): string {
  const until = new Date(expiresAt).toLocaleDateString([], { month: "short", day: "numeric" });
  return vscode.l10n.t("paused, kept until {0}", until);
}

function describeActivity(store: RunStore, session: SessionRecord): string {
  if (session.isWarm) return vscode.l10n.t("ready for the next session");
  const live = store.runs.filter((run) => run.sessionId === session.id && isLive(run)).length;
  if (live > 0) return live === 1 ? vscode.l10n.t("1 run") : vscode.l10n.t("{0} runs", live);
  const minutes = Math.max(0, Math.round((Date.parse(session.expiresAt) - Date.now()) / 60_000));
  return vscode.l10n.t("idle, ends in {0} min", minutes);
}

/** Folders elsewhere may have the same name as one that is open; what waits for its first use has none. */
function describeFolder({ workspaceRoot, isWarm }: SessionRecord, isHere: boolean): readonly string[] {
  return isHere || isWarm || workspaceRoot === "" ? [] : [toDisplay(dirname(workspaceRoot))];
}

/** The GPU that it got; the one that it asked for until it has one. */
function describeGpu({ gpu, target }: SessionRecord): readonly string[] {
  const named = gpu ?? target.gpu;
  return named === undefined || named === "cpu" ? [] : [toDisplay(named)];
}

/** Of what costs something: "$3.95/h, $0.42 so far", and when its prices are of. */
function describeMoney(session: SessionRecord): readonly string[] {
  const { rate, state } = session;
  const usd = costOf(session);
  if (!rate || usd === undefined || rate.usdPerHour === 0 || state === "paused") return [];
  if (state === "ended") return session.endedAt === undefined ? [] : [vscode.l10n.t("{0} in all", describeUsd(usd))];
  return [
    vscode.l10n.t("{0}, {1} so far", describeRate(rate.usdPerHour), describeUsd(usd)),
    vscode.l10n.t("Prices of {0}", rate.asOf),
  ];
}

/** What the provider keeps of it beyond its end, and when it ends. */
function describeEnd({ exitImage, state, expiresAt }: SessionRecord): readonly string[] {
  const image =
    exitImage === undefined ? [] : [vscode.l10n.t("Its file system is kept as the image {0}", toDisplay(exitImage))];
  const ending = state === "ready" ? [vscode.l10n.t("Ends at {0}", new Date(expiresAt).toLocaleString())] : [];
  return [...image, ...ending];
}

function describeOrigin(store: RunStore, { restoredFrom }: SessionRecord): readonly string[] {
  const snapshot = restoredFrom === undefined ? undefined : store.snapshot(restoredFrom);
  if (!snapshot) return [];
  return [
    vscode.l10n.t(
      "Restored from: {0}",
      titleOfSnapshot(snapshot, (id) => store.run(id)),
    ),
  ];
}
