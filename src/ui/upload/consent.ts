import { basename } from "node:path";
import * as vscode from "vscode";
import { toDisplay } from "../../core/workspace-path.ts";
import type { Overlay, Target } from "../../sessions/records.ts";
import type { UploadPreview } from "../../sessions/snapshot-records.ts";
import type { EngineLink } from "../engine-link.ts";
import { withLateProgress } from "../late-progress.ts";
import { choiceOf } from "../target.ts";
import { hasAgreed, noteAgreement } from "./agreements.ts";
import { describePreview, describeSent, describeTerms } from "./describe-upload.ts";
import { rootOf, toFolderUri } from "../workspace-folder.ts";

/** What is about to be sent, and where. */
export interface Upload {
  readonly folder: vscode.WorkspaceFolder;
  readonly target: Target;
  readonly overlays: readonly Overlay[];
  readonly maxFileMiB: number;
}

/** What asking takes. */
export interface ConsentDeps {
  readonly link: EngineLink;
  /** Remembers what was agreed to, in every window. */
  readonly globalMemento: vscode.Memento;
  /** Nobody is there to ask: tests in VS Code's extension host are shown no dialogs. */
  readonly isUnattended: boolean;
}

export type Consent = "send" | "preview" | "cancel";

/**
 * Asks before a folder's files go anywhere for the first time, and again when the boundary is weaker or the network is
 * open and was not. Remembers only a yes.
 */
export async function askConsent(deps: ConsentDeps, upload: Upload): Promise<Consent> {
  const { folder, target } = upload;
  if (deps.isUnattended || hasAgreed(deps.globalMemento, folder.uri, target)) return "send";
  const preview = await withLateProgress(vscode.l10n.t("Looking at what would be sent"), () =>
    readPreview(deps.link, upload),
  );
  const send = vscode.l10n.t("Send and Run");
  const look = vscode.l10n.t("Preview…");
  const choice = await show(folder.name, target, describePreview(preview), [send, look]);
  if (choice === look) return "preview";
  if (choice !== send) return "cancel";
  await noteAgreement(deps.globalMemento, folder.uri, target);
  return "send";
}

/** The same before files that are not the folder's as it is now go there: a snapshot's, or what a sandbox holds. */
export async function askConsentFor(
  { globalMemento, isUnattended }: Pick<ConsentDeps, "globalMemento" | "isUnattended">,
  root: string,
  target: Target,
  what: string,
): Promise<boolean> {
  const folder = toFolderUri(root);
  if (isUnattended || hasAgreed(globalMemento, folder, target)) return true;
  const send = vscode.l10n.t("Send");
  const choice = await show(toDisplay(basename(root)), target, [describeSent(what)], [send]);
  if (choice !== send) return false;
  await noteAgreement(globalMemento, folder, target);
  return true;
}

/** What a push of it would send now. */
export async function readPreview(link: EngineLink, upload: Upload): Promise<UploadPreview> {
  const { folder, target, overlays, maxFileMiB } = upload;
  const engine = await link.get();
  return await engine.previewUpload({ workspaceRoot: rootOf(folder), target, overlays, maxFileMiB });
}

async function show(
  name: string,
  target: Target,
  contents: readonly string[],
  buttons: readonly string[],
): Promise<string | undefined> {
  const message = vscode.l10n.t("Send {0} to {1}?", name, choiceOf(target).label);
  const detail = describeTerms(target, contents);
  return await vscode.window.showInformationMessage(message, { modal: true, detail }, ...buttons);
}
