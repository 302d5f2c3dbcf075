import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { CellContext } from "../../sessions/cells/cell-context.ts";
import type { SessionRecord } from "../../sessions/records.ts";
import { hasAbility } from "../abilities.ts";
import type { CommandDeps } from "../commands/command-deps.ts";
import { hasKind } from "../commands/pick-run.ts";
import { withProgress } from "../register-command.ts";
import { describeContext } from "./describe-context.ts";

/** A context as the view's row. */
export interface ContextItem {
  readonly kind: "context";
  readonly session: SessionRecord;
  readonly context: CellContext;
}

/**
 * Makes a context forget what its cells defined: the row's, that of the run with this id, or the one that the user picks.
 * Nothing is asked before, for its cells can be run again.
 */
export async function restartContext(deps: CommandDeps, argument: unknown): Promise<void> {
  const item = isContextItem(argument) ? argument : await takeContext(deps, argument);
  if (!item) return;
  const { session, context } = item;
  const engine = await deps.link.get();
  const title = vscode.l10n.t("Restarting {0}", describeContext(context));
  await withProgress(title, () => engine.restartContext(session.id, context.id));
  (await deps.cells.desk()).contexts.forget(session.id);
  const message = vscode.l10n.t("{0} has been restarted: it knows nothing of earlier cells.", toDisplay(context.path));
  vscode.window.setStatusBarMessage(`$(check) ${message}`, 5000);
}

async function takeContext(deps: CommandDeps, runId: unknown): Promise<ContextItem | undefined> {
  await deps.store.load();
  const run = typeof runId === "string" ? deps.store.run(runId) : undefined;
  const path = run?.command.kind === "cell" ? run.command.path : undefined;
  const all = (await listContexts(deps)).filter(
    ({ context, session }) => path === undefined || (context.path === path && session.id === run?.sessionId),
  );
  if (all.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("No cell has run in a sandbox that is alive."));
    return undefined;
  }
  if (all.length === 1) return all[0];
  const items = all.map((item) => ({
    label: describeContext(item.context),
    description: toDisplay(item.session.name),
    item,
  }));
  const placeHolder = vscode.l10n.t("Restart which context? What its cells defined is forgotten.");
  return (await vscode.window.showQuickPick(items, { placeHolder }))?.item;
}

async function listContexts({ store, cells }: CommandDeps): Promise<readonly ContextItem[]> {
  const sessions = store.sessions.filter(({ state, target }) => state === "ready" && hasAbility(target, "interpreter"));
  const desk = await cells.desk();
  return (await Promise.all(sessions.map((session) => desk.contexts.list(session)))).flat();
}

function isContextItem(argument: unknown): argument is ContextItem {
  return hasKind(argument, "context");
}
