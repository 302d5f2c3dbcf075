import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { SessionRecord, Target } from "../../sessions/records.ts";
import type { SnapshotRecord } from "../../sessions/snapshot-records.ts";
import { describeContents, describeTargetInFull } from "../describe-snapshot.ts";
import { hasAbility } from "../abilities.ts";
import { withProgress } from "../register-command.ts";
import { readSetting } from "../settings.ts";
import { EditorError, openSettings } from "../show-error.ts";
import { type GpuChoice, readTarget } from "../target.ts";
import { allowSnapshotSecrets } from "../upload/allow-snapshot-secrets.ts";
import { askConsentFor } from "../upload/consent.ts";
import { findSnapshotOf } from "../views/session-item.ts";
import { requireTrust, toFolderUri } from "../workspace-folder.ts";
import { presentChangeSet } from "./change-set.ts";
import type { CommandDeps } from "./command-deps.ts";
import { openTerminal } from "./control-run.ts";
import { isSessionItem } from "./pick-run.ts";
import { pickSnapshot, titleOf } from "./pick-snapshot.ts";
import { pickGpu, writeGpuChoice } from "./pick-gpu.ts";
import { pickTarget } from "./pick-target.ts";

/** Where a session goes: a new sandbox on the target, or that of an existing session. */
interface Place {
  readonly target: Target;
  readonly session?: SessionRecord;
}

/** Brings the folder back to the snapshot, through changes that the user decides about. */
export async function restoreHere(deps: CommandDeps, argument: unknown): Promise<void> {
  const snapshot = await pickSnapshot(deps, argument, vscode.l10n.t("Restore which snapshot into this folder?"));
  if (!snapshot) return;
  const engine = await deps.link.get();
  const maxFileMiB = readSetting("sync.maxFileMiB", toFolderUri(snapshot.workspaceRoot));
  const changeSet = await withProgress(vscode.l10n.t("Comparing"), () =>
    engine.restoreWorkspace(snapshot.id, maxFileMiB),
  );
  await presentChangeSet(deps, changeSet);
}

/** Fills a sandbox with the snapshot's files: a new one like that which held them, one elsewhere, or an existing one. */
export async function restoreSession(deps: CommandDeps, argument: unknown): Promise<SessionRecord | undefined> {
  requireTrust();
  const snapshot = await pickOf(deps, argument);
  const place = snapshot && (await pickPlace(deps, snapshot));
  return place && (await restoreTo(deps, snapshot, place));
}

/** A second session that goes on from the snapshot, in a sandbox like that which held it. */
export async function forkSnapshot(deps: CommandDeps, argument: unknown): Promise<SessionRecord | undefined> {
  requireTrust();
  const question = vscode.l10n.t("Fork from which snapshot?");
  const snapshot = await pickSnapshot(deps, argument, question, ({ target }) => target !== undefined);
  if (!snapshot) return undefined;
  const place = snapshot.target ? { target: snapshot.target } : await pickElsewhere(deps, snapshot);
  return place && (await restoreTo(deps, snapshot, place));
}

/** A session's row stands for the newest snapshot of what its sandbox held. */
async function pickOf(deps: CommandDeps, argument: unknown): Promise<SnapshotRecord | undefined> {
  if (!isSessionItem(argument)) {
    return await pickSnapshot(deps, argument, vscode.l10n.t("Restore a session from which snapshot?"));
  }
  const snapshot = findSnapshotOf(deps.store, argument.session);
  if (snapshot) return snapshot;
  const message = vscode.l10n.t("No snapshot of the session {0} is kept any more.", toDisplay(argument.session.name));
  throw new EditorError("not-found", message, []);
}

/** A row that leads to a place; undefined when the user thinks better of it. */
interface PlaceItem extends vscode.QuickPickItem {
  readonly choose: () => Promise<Place | undefined>;
}

async function pickPlace(deps: CommandDeps, snapshot: SnapshotRecord): Promise<Place | undefined> {
  const alive = deps.store.sessions.filter(
    ({ state, workspaceRoot }) => state === "ready" && workspaceRoot === snapshot.workspaceRoot,
  );
  const elsewhere: PlaceItem = {
    label: vscode.l10n.t("On Another Provider…"),
    iconPath: new vscode.ThemeIcon("server-environment"),
    choose: () => pickElsewhere(deps, snapshot),
  };
  const items = [...listSameItems(deps, snapshot.target), elsewhere, ...alive.map(toExistingItem)];
  const item = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t("Restore {0}", titleOf(deps, snapshot)),
    placeHolder: describeEnv(snapshot) ?? vscode.l10n.t("Where should the session go on?"),
  });
  return await item?.choose();
}

function listSameItems(deps: CommandDeps, target: Target | undefined): readonly PlaceItem[] {
  if (!target) return [];
  const same: PlaceItem = {
    label: vscode.l10n.t("In a New Sandbox like Before"),
    description: describeTargetInFull(target),
    iconPath: new vscode.ThemeIcon("history"),
    choose: async () => ({ target }),
  };
  const otherGpu: PlaceItem = {
    label: vscode.l10n.t("Like Before, with Another GPU…"),
    iconPath: new vscode.ThemeIcon("chip"),
    choose: () => pickOtherGpu(deps, target),
  };
  return hasAbility(target, "gpus") ? [same, otherGpu] : [same];
}

function toExistingItem(session: SessionRecord): PlaceItem {
  return {
    label: vscode.l10n.t("In the Session {0}, Replacing Its Files", toDisplay(session.name)),
    description: describeTargetInFull(session.target),
    iconPath: new vscode.ThemeIcon("vm-active"),
    choose: async () => ((await confirmReplacing(session)) ? { target: session.target, session } : undefined),
  };
}

async function pickElsewhere(deps: CommandDeps, snapshot: SnapshotRecord): Promise<Place | undefined> {
  const choice = await pickTarget(deps);
  return choice && { target: readTarget(toFolderUri(snapshot.workspaceRoot), choice) };
}

async function pickOtherGpu(deps: CommandDeps, same: Target): Promise<Place | undefined> {
  const choice = await pickGpu(deps, same);
  if (!choice) return undefined;
  const { gpu: _gpu, gpuFallbacks: _fallbacks, ...plain } = same;
  if (choice.gpu === "") return { target: plain };
  const fallbacks = choice.fallbacks.length === 0 ? {} : { gpuFallbacks: choice.fallbacks };
  return { target: { ...plain, gpu: choice.gpu, ...fallbacks } };
}

async function confirmReplacing(session: SessionRecord): Promise<boolean> {
  const replace = vscode.l10n.t("Replace Files");
  const choice = await vscode.window.showWarningMessage(
    vscode.l10n.t("Replace the files in the sandbox of {0}?", toDisplay(session.name)),
    { modal: true, detail: vscode.l10n.t("What it holds now is kept in a snapshot first.") },
    replace,
  );
  return choice === replace;
}

async function restoreTo(
  deps: CommandDeps,
  snapshot: SnapshotRecord,
  place: Place,
): Promise<SessionRecord | undefined> {
  const what = describeContents(snapshot);
  if (!(await askConsentFor(deps, snapshot.workspaceRoot, place.target, what))) return undefined;
  const engine = await deps.link.get();
  if (!(await allowSnapshotSecrets(engine, snapshot))) return undefined;
  const where = describeTargetInFull(place.target);
  const session = await withProgress(vscode.l10n.t("Restoring a session on {0}", where), () =>
    engine.restoreSession(snapshot.id, place.target, place.session?.id),
  );
  const done = vscode.l10n.t("The session goes on from {0}, on {1}.", titleOf(deps, snapshot), where);
  void offerNext(deps, session, [done, describeEnv(snapshot) ?? ""].join(" ").trim(), snapshot.envNames.length > 0);
  return session;
}

/** What to do with a session that was just made, and with the values that nobody has kept. */
async function offerNext(deps: CommandDeps, session: SessionRecord, message: string, hasEnv: boolean): Promise<void> {
  const terminal = vscode.l10n.t("Open Terminal");
  const settings = openSettings("sandpiper.run.env");
  const gpu = toOtherGpu(session);
  const buttons = [terminal, ...(gpu ? [gpu.title] : []), ...(hasEnv ? [settings.title] : [])];
  const choice = await vscode.window.showInformationMessage(message, ...buttons);
  if (choice === terminal) await openTerminal(deps, { kind: "session", session });
  if (choice === settings.title) await vscode.commands.executeCommand(settings.command, ...(settings.args ?? []));
  if (gpu && choice === gpu.title) await writeGpuChoice(gpu.choice);
}

interface OtherGpu {
  readonly title: string;
  readonly choice: GpuChoice;
}

/** The session's GPU, where runs would ask for another one and so start another sandbox. */
function toOtherGpu({ target, workspaceRoot }: SessionRecord): OtherGpu | undefined {
  const now = readTarget(toFolderUri(workspaceRoot));
  if (target.providerId !== now.providerId || !hasAbility(target, "gpus") || target.gpu === now.gpu) return undefined;
  const choice = { gpu: target.gpu ?? "", fallbacks: target.gpuFallbacks ?? [] };
  const title = target.gpu
    ? vscode.l10n.t("Run on {0} from Now On", target.gpu)
    : vscode.l10n.t("Run without a GPU from Now On");
  return { title, choice };
}

function describeEnv({ envNames, workspaceRoot }: SnapshotRecord): string | undefined {
  const given = readSetting("run.env", toFolderUri(workspaceRoot));
  const missing = envNames.filter((name) => !(name in given));
  if (missing.length === 0) return undefined;
  const names = missing.map((name) => toDisplay(name)).join(", ");
  return vscode.l10n.t("Its runs had {0}. Values are not kept: set them in sandpiper.run.env.", names);
}
