import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { SessionRecord } from "../../sessions/records.ts";
import { describeTarget } from "../target.ts";
import type { CommandDeps } from "./command-deps.ts";
import { isSessionItem } from "./pick-run.ts";

/** The session that a command is about: the row's, or the one that the user picks among those that fit. Undefined when they pick none. */
export async function takeSession(
  deps: CommandDeps,
  argument: unknown,
  placeHolder: string,
  fits: (session: SessionRecord) => boolean = () => true,
): Promise<SessionRecord | undefined> {
  if (isSessionItem(argument)) return argument.session;
  await deps.store.load();
  const items = deps.store.sessions.filter(fits).map((session) => ({
    label: session.name,
    description: describeTarget(session.target, session.boundary),
    detail: toDisplay(session.workspaceRoot),
    session,
  }));
  if (items.length === 0) {
    void vscode.window.showInformationMessage(
      deps.store.sessions.length === 0
        ? vscode.l10n.t("There are no sessions.")
        : vscode.l10n.t("There is no session that can do this."),
    );
    return undefined;
  }
  return (await vscode.window.showQuickPick(items, { placeHolder }))?.session;
}
