import * as vscode from "vscode";
import type { Logger } from "../core/logger.ts";
import { type ErrorCode, SandboxError, toMessage } from "../core/sandbox-error.ts";
import { ACCOUNTS } from "../sessions/accounts.ts";

/** A button and the command behind it. */
export interface Remedy {
  readonly title: string;
  readonly command: string;
  readonly args?: readonly unknown[];
}

/** An error of the editor's own, with the buttons that mend it. */
export class EditorError extends SandboxError {
  readonly remedies: readonly Remedy[];

  constructor(code: ErrorCode, message: string, remedies: readonly Remedy[]) {
    super(code, message);
    this.remedies = remedies;
  }
}

/** The one place where errors reach the user: the message, and a button for the remedy. Returns without waiting for the user. */
export function showError(error: unknown, logger: Logger): void {
  logger.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  const isOurs = error instanceof SandboxError;
  const message = isOurs ? error.message : vscode.l10n.t("Sandpiper failed: {0}", toMessage(error));
  void offer(message, remediesOf(error));
}

async function offer(message: string, remedies: readonly Remedy[]): Promise<void> {
  const title = await vscode.window.showErrorMessage(message, ...remedies.map((remedy) => remedy.title));
  const remedy = remedies.find((each) => each.title === title);
  if (remedy) await vscode.commands.executeCommand(remedy.command, ...(remedy.args ?? []));
}

function remediesOf(error: unknown): readonly Remedy[] {
  if (error instanceof EditorError) return error.remedies;
  if (!(error instanceof SandboxError)) return [showLogs()];
  const named = remediesByName(error.message);
  if (named) return named;
  const account = error.code === "auth" && ACCOUNTS.find(({ title }) => error.message.includes(title));
  // Others, such as a registry of images, have their own ways to sign in.
  return account ? [signIn(account.providerId), selectProvider()] : remediesByCode()[error.code];
}

/** From the engine comes a code and a message alone: what the message names is what mends it. */
function remediesByName(message: string): readonly Remedy[] | undefined {
  // It is about a file that is not sent.
  if (message.includes(".sandboxignore")) return [editIgnoreFile()];
  if (message.includes("sandpiper.prices")) return [changePrices(), openBudget()];
  return message.includes("sandpiper.budget") ? budgetRemedies() : undefined;
}

function remediesByCode(): Readonly<Record<ErrorCode, readonly Remedy[]>> {
  const elsewhere = [selectProvider(), showLogs()];
  return {
    invalid: [openSettings()],
    blocked: [openSettings(), showLogs()],
    unavailable: elsewhere,
    unsupported: elsewhere,
    quota: [showSessions(), selectProvider()],
    capacity: [selectGpu(), selectProvider()],
    auth: elsewhere,
    "not-found": [showLogs()],
    conflict: [showLogs()],
  };
}

function showLogs(): Remedy {
  return { title: vscode.l10n.t("Show Logs"), command: "sandpiper.showLogs" };
}

/** Leads to our settings, or to one of them. */
export function openSettings(setting = "@ext:sandpiper.sandpiper"): Remedy {
  return { title: vscode.l10n.t("Open Settings"), command: "workbench.action.openSettings", args: [setting] };
}

/** Leads to VS Code's page for trusting the folder. */
export function manageTrust(): Remedy {
  return { title: vscode.l10n.t("Manage Workspace Trust"), command: "workbench.trust.manage" };
}

function changePrices(): Remedy {
  return { ...openSettings("sandpiper.prices"), title: vscode.l10n.t("Change Prices…") };
}

/** What can be done about a budget that said no. */
export function budgetRemedies(): readonly Remedy[] {
  return [openBudget(), showCosts()];
}

function openBudget(): Remedy {
  return openSettings("sandpiper.budget");
}

function showCosts(): Remedy {
  return { title: vscode.l10n.t("Show Costs"), command: "sandpiper.showCosts" };
}

/** What is there can be ended, so that there is room again. */
function showSessions(): Remedy {
  return { title: vscode.l10n.t("Show Sessions"), command: "sandpiper.sessions.focus" };
}

function selectGpu(): Remedy {
  return { title: vscode.l10n.t("Select GPU…"), command: "sandpiper.selectGpu" };
}

function editIgnoreFile(): Remedy {
  return { title: vscode.l10n.t("Edit .sandboxignore"), command: "sandpiper.editIgnoreFile" };
}

function signIn(providerId: string): Remedy {
  return { title: vscode.l10n.t("Sign In…"), command: "sandpiper.signIn", args: [providerId] };
}

function selectProvider(): Remedy {
  return { title: vscode.l10n.t("Select Provider"), command: "sandpiper.selectProvider" };
}
