import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { SavedImage } from "../../sessions/cloud-records.ts";
import { hasAbility } from "../abilities.ts";
import { toImageSetting } from "../image-setting.ts";
import { withProgress } from "../register-command.ts";
import { writeSetting } from "../settings.ts";
import type { CommandDeps } from "./command-deps.ts";
import { takeSession } from "./pick-session.ts";

/** Keeps the whole file system of a session's sandbox at its provider, for new sandboxes to start from. */
export async function saveImage(deps: CommandDeps, argument: unknown): Promise<void> {
  const question = vscode.l10n.t("Save an image of which session?");
  const session = await takeSession(
    deps,
    argument,
    question,
    ({ state, target }) => state === "ready" && hasAbility(target, "images"),
  );
  if (!session) return;
  const engine = await deps.link.get();
  const title = vscode.l10n.t("Saving an image of {0}", toDisplay(session.name));
  void offerImage(await withProgress(title, () => engine.saveImage(session.id)));
}

async function offerImage({ id, providerId, expiresAt }: SavedImage): Promise<void> {
  const use = vscode.l10n.t("Start New Sandboxes from It");
  const copy = vscode.l10n.t("Copy Id");
  const setting = toImageSetting(providerId);
  const name = toDisplay(id);
  const message =
    expiresAt === undefined
      ? vscode.l10n.t("The file system is kept as the image {0}.", name)
      : vscode.l10n.t(
          "The file system is kept as the image {0} until {1}.",
          name,
          new Date(expiresAt).toLocaleString(),
        );
  const choice = await vscode.window.showInformationMessage(message, ...(setting ? [use] : []), copy);
  if (choice === copy) await vscode.env.clipboard.writeText(id);
  if (choice === use && setting) await writeSetting(setting, id);
}
