import * as vscode from "vscode";
import type { Overlay, Target } from "../../sessions/records.ts";
import type { UploadPreview } from "../../sessions/snapshot-records.ts";
import type { EngineLink } from "../engine-link.ts";
import { withLateProgress } from "../late-progress.ts";
import { choiceOf } from "../target.ts";
import { hasAgreed, noteAgreement } from "./agreements.ts";
import { describeTerms } from "./describe-upload.ts";

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
}

export type Consent = "send" | "preview" | "cancel";

/**
 * Asks before a folder's files go anywhere for the first time, and again when the boundary is weaker or the network is
 * open and was not. Remembers only a yes.
 */
export async function askConsent({ link, globalMemento }: ConsentDeps, upload: Upload): Promise<Consent> {
  const { folder, target } = upload;
  if (hasAgreed(globalMemento, folder.uri, target)) return "send";
  const preview = await withLateProgress(vscode.l10n.t("Looking at what would be sent"), () =>
    readPreview(link, upload),
  );
  const send = vscode.l10n.t("Send and Run");
  const look = vscode.l10n.t("Preview…");
  const choice = await vscode.window.showInformationMessage(
    vscode.l10n.t("Send {0} to {1}?", folder.name, choiceOf(target).label),
    { modal: true, detail: describeTerms(target, preview) },
    send,
    look,
  );
  if (choice === look) return "preview";
  if (choice !== send) return "cancel";
  await noteAgreement(globalMemento, folder.uri, target);
  return "send";
}

/** What a push of it would send now. */
export async function readPreview(link: EngineLink, upload: Upload): Promise<UploadPreview> {
  const { folder, target, overlays, maxFileMiB } = upload;
  const engine = await link.get();
  return await engine.previewUpload({ workspaceRoot: folder.uri.fsPath, target, overlays, maxFileMiB });
}
