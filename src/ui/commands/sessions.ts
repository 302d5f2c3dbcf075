import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { SessionRecord } from "../../sessions/records.ts";
import { describeTarget, readTarget } from "../target.ts";
import { withProgress } from "../register-command.ts";
import { listPaths } from "../review/confirm.ts";
import { hasPendingChanges, isLive } from "../run-store.ts";
import { pickFolder, requireTrust } from "../workspace-folder.ts";
import type { CommandDeps } from "./command-deps.ts";
import { isSessionItem } from "./pick-run.ts";
import { pickTarget } from "./pick-target.ts";

/** Makes a fresh sandbox for the folder, which later runs on that target use. */
export async function newSession(deps: CommandDeps): Promise<SessionRecord | undefined> {
  requireTrust();
  const folder = await pickFolder();
  const choice = folder && (await pickTarget(deps));
  if (!choice) return undefined;
  const engine = await deps.link.get();
  return withProgress(vscode.l10n.t("Starting a session on {0}", choice.label), () =>
    engine.startSession(folder.uri.fsPath, readTarget(folder.uri, choice)),
  );
}

/** Ends the session and its sandbox, after naming what would be lost. */
export async function destroySession(deps: CommandDeps, argument: unknown): Promise<void> {
  const session = isSessionItem(argument) ? argument.session : await pickSession(deps);
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

async function pickSession(deps: CommandDeps): Promise<SessionRecord | undefined> {
  await deps.store.load();
  const items = deps.store.sessions.map((session) => ({
    label: session.name,
    description: describeTarget(session.target, session.boundary),
    detail: toDisplay(session.workspaceRoot),
    session,
  }));
  if (items.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("There are no sessions."));
    return undefined;
  }
  return (await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t("Destroy which session?") }))?.session;
}

async function describeLoss(deps: CommandDeps, session: SessionRecord): Promise<string> {
  const runs = deps.store.runs.filter((run) => run.sessionId === session.id);
  const live = runs.filter(isLive).map((run) => run.title);
  const pending = await Promise.all(runs.filter(hasPendingChanges).map((run) => deps.reviewFiles.readChanges(run.id)));
  const paths = pending.flat().flatMap((change) => (change.decision === "pending" ? [change.path] : []));
  return [
    vscode.l10n.t("Its sandbox and everything in it that was not brought back is lost."),
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
