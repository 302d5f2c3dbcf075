import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import { hasAbility } from "../abilities.ts";
import { withProgress } from "../register-command.ts";
import { requireTrust } from "../workspace-folder.ts";
import type { CommandDeps } from "./command-deps.ts";
import { takeSession } from "./pick-session.ts";

/** Keeps the memory and the files of a session's sandbox and frees the machine. */
export async function pauseSession(deps: CommandDeps, argument: unknown): Promise<void> {
  const question = vscode.l10n.t("Pause which session?");
  const session = await takeSession(
    deps,
    argument,
    question,
    ({ state, target }) => state === "ready" && hasAbility(target, "pause"),
  );
  if (!session) return;
  const engine = await deps.link.get();
  const title = vscode.l10n.t("Pausing {0}", toDisplay(session.name));
  deps.store.putSession(await withProgress(title, () => engine.pauseSession(session.id)));
}

/** Goes on with a paused session. */
export async function resumeSession(deps: CommandDeps, argument: unknown): Promise<void> {
  requireTrust();
  const question = vscode.l10n.t("Resume which session?");
  const session = await takeSession(deps, argument, question, ({ state }) => state === "paused");
  if (!session) return;
  const engine = await deps.link.get();
  const title = vscode.l10n.t("Resuming {0}", toDisplay(session.name));
  deps.store.putSession(await withProgress(title, () => engine.resumeSession(session.id)));
}
