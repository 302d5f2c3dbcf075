import * as vscode from "vscode";
import type { BatchPlan, BatchRecord, Rate } from "../../sessions/cloud-records.ts";
import type { UploadPreview } from "../../sessions/snapshot-records.ts";
import { isPricedProvider } from "../abilities.ts";
import { describeEstimate } from "../batch/describe-estimate.ts";
import { withLateProgress } from "../late-progress.ts";
import { withProgress } from "../register-command.ts";
import { type RunInput, saveBeforeRun, toRunRequest } from "../run-request.ts";
import { choiceOf, readTarget } from "../target.ts";
import { noteAgreement } from "../upload/agreements.ts";
import { readPreview, type Upload } from "../upload/consent.ts";
import { describePreview, describeTerms } from "../upload/describe-upload.ts";
import { toUpload } from "../upload/to-upload.ts";
import { requireTrust } from "../workspace-folder.ts";
import { askForPlan } from "./ask-for-plan.ts";
import type { CommandDeps } from "./command-deps.ts";
import { pickTarget } from "./pick-target.ts";
import { resolveBlocked } from "./resolve-blocked.ts";
import { askForCommand } from "./run-command.ts";
import { toFileInput } from "./run-file.ts";

/** Runs the active file, or a command that the user types, in many sandboxes at once. Undefined when the user breaks off. */
export async function runOnMany(deps: CommandDeps, argument: unknown): Promise<BatchRecord | undefined> {
  requireTrust();
  const what = await askWhat(deps, argument);
  const choice = what && (await pickTarget(deps));
  const target = choice && readTarget(what.folder.uri, choice);
  const plan = target && (await askForPlan(deps, target));
  return plan && (await startBatch(deps, { ...what, target }, plan));
}

/** Starts it once the user has seen what is sent, where to, how often and what that may cost. */
async function startBatch(deps: CommandDeps, input: RunInput, plan: BatchPlan): Promise<BatchRecord | undefined> {
  await saveBeforeRun(input);
  const upload = toUpload(input);
  const [preview, rate] = await withLateProgress(vscode.l10n.t("Looking at what would be sent"), () =>
    Promise.all([readPreview(deps.link, upload), readRate(deps, upload)]),
  );
  const findings = preview.findings.filter(({ fingerprint }) => !input.allowedSecrets?.includes(fingerprint));
  if (findings.length > 0 && !deps.isUnattended) {
    // Each of the sandboxes would get them.
    let started: BatchRecord | undefined;
    await resolveBlocked(deps, input, { kind: "secrets", findings }, async (changed) => {
      started = await startBatch(deps, changed, plan);
    });
    return started;
  }
  if (!(await isAgreedTo(deps, { upload, preview, plan, rate }))) return undefined;
  const engine = await deps.link.get();
  // Nobody types into hundreds of runs: their output stays as it is, without a terminal.
  const { pty: _terminal, ...request } = toRunRequest(input, deps.terminals.size);
  const batch = await withProgress(vscode.l10n.t("Taking a snapshot for {0} runs", plan.count.toLocaleString()), () =>
    engine.startBatch(request, plan),
  );
  deps.store.putBatch(batch);
  await deps.batchPanels.show(batch.id);
  return batch;
}

/** The file that a menu names; else the user says whether it is the active one or a command. */
async function askWhat(deps: CommandDeps, argument: unknown): Promise<RunInput | undefined> {
  if (argument instanceof vscode.Uri) return await toFileInput(argument);
  const active = vscode.window.activeTextEditor?.document.uri;
  if (!active) return await askForCommand(deps);
  const file: vscode.QuickPickItem = {
    label: vscode.workspace.asRelativePath(active),
    description: vscode.l10n.t("the open file"),
    iconPath: new vscode.ThemeIcon("file"),
  };
  const command: vscode.QuickPickItem = {
    label: vscode.l10n.t("A Command…"),
    iconPath: new vscode.ThemeIcon("terminal"),
  };
  // What is run is settled first: the pickers take the focus off the editor.
  const input = await toFileInput(active);
  const item = await vscode.window.showQuickPick([file, command], { placeHolder: vscode.l10n.t("Run what?") });
  return item === command ? await askForCommand(deps) : item && input;
}

async function readRate(deps: CommandDeps, { target }: Upload): Promise<Rate | undefined> {
  return isPricedProvider(target.providerId) ? await (await deps.link.get()).estimateRate(target) : undefined;
}

interface Terms {
  readonly upload: Upload;
  readonly preview: UploadPreview;
  readonly plan: BatchPlan;
  readonly rate: Rate | undefined;
}

/** One question about all of it. */
async function isAgreedTo(deps: CommandDeps, { upload, preview, plan, rate }: Terms): Promise<boolean> {
  if (deps.isUnattended) return true;
  const { target, folder } = upload;
  const start = vscode.l10n.t("Send and Run");
  const look = vscode.l10n.t("Preview…");
  const count = plan.count.toLocaleString();
  const choice = await vscode.window.showInformationMessage(
    vscode.l10n.t("Run it in {0} sandboxes on {1}?", count, choiceOf(target).label),
    {
      modal: true,
      detail: [...describeEstimate(target, plan, rate), describeTerms(target, describePreview(preview))].join("\n"),
    },
    start,
    look,
  );
  if (choice === look) await deps.uploadView.show(upload);
  if (choice !== start) return false;
  await noteAgreement(deps.globalMemento, folder.uri, target);
  return true;
}
