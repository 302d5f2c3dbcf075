import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { SessionRecord, Target } from "../../sessions/records.ts";
import { describeTargetInFull } from "../describe-snapshot.ts";
import { readTarget } from "../target.ts";
import { withProgress } from "../register-command.ts";
import { listPaths } from "../review/confirm.ts";
import { allowSnapshotSecrets } from "../upload/allow-snapshot-secrets.ts";
import { askConsentFor } from "../upload/consent.ts";
import { findSnapshotOf } from "../views/session-item.ts";
import { hasPendingChanges, isLive } from "../run-store.ts";
import { pickFolder, requireTrust, rootOf, toFolderUri } from "../workspace-folder.ts";
import { presentChangeSet } from "./change-set.ts";
import type { CommandDeps } from "./command-deps.ts";
import { takeSession } from "./pick-session.ts";
import { pickTarget } from "./pick-target.ts";

/** Makes a fresh sandbox for the folder, which later runs on that target use. */
export async function newSession(deps: CommandDeps): Promise<SessionRecord | undefined> {
  requireTrust();
  const folder = await pickFolder();
  const choice = folder && (await pickTarget(deps));
  if (!choice) return undefined;
  const engine = await deps.link.get();
  return withProgress(vscode.l10n.t("Starting a session on {0}", choice.label), () =>
    engine.startSession(rootOf(folder), readTarget(folder.uri, choice)),
  );
}

/** Ends the session and its sandbox, after naming what would be lost. */
export async function destroySession(deps: CommandDeps, argument: unknown): Promise<void> {
  const session = await takeSession(deps, argument, vscode.l10n.t("Destroy which session?"));
  if (!session) return;
  const destroy = vscode.l10n.t("Destroy");
  const choice = await vscode.window.showWarningMessage(
    vscode.l10n.t("Destroy the session {0}?", session.name),
    { modal: true, detail: await describeLoss(deps, session) },
    destroy,
  );
  if (choice !== destroy) return;
  const engine = await deps.link.get();
  await withProgress(vscode.l10n.t("Destroying {0}", session.name), () => engine.destroySession(session.id));
}

/** Starts a second session that goes on from what the first one's sandbox holds now. */
export async function forkSession(deps: CommandDeps, argument: unknown): Promise<SessionRecord | undefined> {
  requireTrust();
  const session = await takeSession(deps, argument, vscode.l10n.t("Fork which session?"));
  const target = session && (await pickForkTarget(deps, session));
  if (!target) return undefined;
  const what = vscode.l10n.t("what the sandbox of {0} holds", toDisplay(session.name));
  if (!(await askConsentFor(deps, session.workspaceRoot, target, what))) return undefined;
  const engine = await deps.link.get();
  const fork = (): Promise<SessionRecord> =>
    withProgress(vscode.l10n.t("Forking {0}", toDisplay(session.name)), () => engine.forkSession(session.id, target));
  try {
    return await fork();
  } catch (error) {
    if (!(error instanceof SandboxError) || error.code !== "blocked") throw error;
    // What it holds was kept before it was looked through.
    const snapshot = findSnapshotOf(deps.store, session);
    if (!snapshot) throw error;
    return (await allowSnapshotSecrets(engine, snapshot)) ? await fork() : undefined;
  }
}

async function pickForkTarget(deps: CommandDeps, session: SessionRecord): Promise<Target | undefined> {
  const same: vscode.QuickPickItem = {
    label: vscode.l10n.t("In a New Sandbox like This One"),
    description: describeTargetInFull(session.target),
    iconPath: new vscode.ThemeIcon("repo-forked"),
  };
  const elsewhere: vscode.QuickPickItem = {
    label: vscode.l10n.t("On Another Provider…"),
    iconPath: new vscode.ThemeIcon("server-environment"),
  };
  const item = await vscode.window.showQuickPick([same, elsewhere], {
    placeHolder: vscode.l10n.t("Where should the second session go on?"),
  });
  if (item !== elsewhere) return item && session.target;
  const choice = await pickTarget(deps);
  return choice && readTarget(toFolderUri(session.workspaceRoot), choice);
}

/** Brings back what the session's sandbox holds and nobody has decided about, for review. */
export async function pullSession(deps: CommandDeps, argument: unknown): Promise<void> {
  const session = await takeSession(deps, argument, vscode.l10n.t("Bring back changes of which session?"));
  if (!session) return;
  const engine = await deps.link.get();
  const title = vscode.l10n.t("Bringing changes back from {0}", toDisplay(session.name));
  await presentChangeSet(deps, await withProgress(title, () => engine.pullSession(session.id)));
}

async function describeLoss(deps: CommandDeps, session: SessionRecord): Promise<string> {
  const runs = deps.store.runs.filter((run) => run.sessionId === session.id);
  const live = runs.filter(isLive).map((run) => run.title);
  const pending = await Promise.all(runs.filter(hasPendingChanges).map((run) => deps.reviewFiles.readChanges(run.id)));
  const paths = pending.flat().flatMap((change) => (change.decision === "pending" ? [change.path] : []));
  return [
    vscode.l10n.t("The workspace in its sandbox is kept in a snapshot. Everything else in the sandbox is lost."),
    ...(live.length > 0 ? [vscode.l10n.t("These runs are ended:\n{0}", listPaths(live))] : []),
    ...(paths.length > 0
      ? [
          vscode.l10n.t(
            "These changes are not decided yet; they stay with their runs:\n{0}",
            listPaths([...new Set(paths)]),
          ),
        ]
      : []),
  ].join("\n\n");
}
