import * as vscode from "vscode";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { SessionRecord } from "../../sessions/records.ts";
import { type Account, ACCOUNTS, findAccount } from "../../sessions/accounts.ts";
import type { Credential } from "../../sessions/credentials.ts";
import { askKey } from "../account/ask-key.ts";
import { withProgress } from "../register-command.ts";
import { readSetting } from "../settings.ts";
import { EditorError } from "../show-error.ts";
import { listTargetChoices, readTarget } from "../target.ts";
import type { CommandDeps } from "./command-deps.ts";

interface AccountItem extends vscode.QuickPickItem {
  readonly account: Account;
}

/** Signs in, and offers to run code there. @param argument a provider's id; asked for when left out */
export async function signIn(deps: CommandDeps, argument?: unknown): Promise<void> {
  const named = ACCOUNTS.find(({ providerId }) => providerId === argument);
  const account = named ?? (await pickAccount(ACCOUNTS, vscode.l10n.t("Sign in to which provider?")));
  if (account && (await signInTo(deps, account))) void offerProvider(account);
}

/** Asks for a key, tries it, and keeps it only when it works. @returns whether the user is signed in now @throws {SandboxError} */
export async function signInTo(deps: CommandDeps, account: Account): Promise<boolean> {
  const key = await askKey(account, process.env);
  if (!key || !(await leaveEarlierAccount(deps, account, key))) return false;
  await tryKey(deps, account, key);
  await deps.keys.keep(account, key);
  deps.logger.info(`Signed in to ${account.title}`);
  return true;
}

/** Forgets a key, here and in the engine. What runs with it is ended first, or left to its lifetime. */
export async function signOut(deps: CommandDeps): Promise<void> {
  const keys = await Promise.all(ACCOUNTS.map(async (account) => ({ account, key: await deps.keys.read(account) })));
  const signedIn = keys.filter(({ key }) => key).map(({ account }) => account);
  if (signedIn.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("You are signed in to no provider."));
    return;
  }
  const account = await pickAccount(signedIn, vscode.l10n.t("Sign out of which provider?"));
  const texts = {
    end: vscode.l10n.t("End Them and Sign Out"),
    leave: vscode.l10n.t("Sign Out"),
    detail: vscode.l10n.t(
      "Once signed out, Sandpiper cannot end them: they go on, and cost, until their lifetime ends.",
    ),
  };
  if (!account || !(await endSandboxes(deps, account, texts))) return;
  await deps.keys.forget(account);
  const engine = await deps.link.get();
  await engine.setCredential(account.providerId, undefined);
  void vscode.window.showInformationMessage(vscode.l10n.t("Signed out of {0}.", account.title));
}

async function pickAccount(accounts: readonly Account[], placeHolder: string): Promise<Account | undefined> {
  const [only] = accounts;
  if (accounts.length === 1) return only;
  const items: readonly AccountItem[] = accounts.map((account) => ({ label: account.title, account }));
  return (await vscode.window.showQuickPick(items, { placeHolder }))?.account;
}

/** @throws {SandboxError} when the provider does not take the key: then the engine has the one that it had before */
async function tryKey({ link, keys }: CommandDeps, account: Account, key: Credential): Promise<void> {
  const { providerId, title } = account;
  const choice = listTargetChoices().find((each) => each.providerId === providerId);
  await withProgress(vscode.l10n.t("Signing in to {0}", title), async (signal) => {
    const engine = await link.get();
    await engine.setCredential(providerId, key);
    try {
      await engine.checkTarget(readTarget(undefined, choice));
      signal.throwIfAborted();
    } catch (error) {
      await engine.setCredential(providerId, await keys.read(account));
      throw toRefusal(error, account);
    }
  });
}

function toRefusal(error: unknown, { providerId, title, keyWord }: Account): unknown {
  if (!(error instanceof SandboxError) || error.code !== "auth") return error;
  const message =
    keyWord === "token"
      ? vscode.l10n.t("{0} does not accept this token. It was not kept.", title)
      : vscode.l10n.t("{0} does not accept this API key. It was not kept.", title);
  return new EditorError("auth", message, [
    { title: vscode.l10n.t("Try Again"), command: "sandpiper.signIn", args: [providerId] },
  ]);
}

async function offerProvider({ providerId, title }: Account): Promise<void> {
  const select = vscode.l10n.t("Select Provider");
  const buttons = readSetting("provider") === providerId ? [] : [select];
  const answer = await vscode.window.showInformationMessage(vscode.l10n.t("Signed in to {0}.", title), ...buttons);
  if (answer === select) await vscode.commands.executeCommand("sandpiper.selectProvider");
}

/** Another key may be another account's, which does not see the sandboxes of the first. @returns false when the user breaks off */
async function leaveEarlierAccount(deps: CommandDeps, account: Account, key: Credential): Promise<boolean> {
  const earlier = await deps.keys.read(account);
  if (!earlier || account.keyParts.every(({ name }) => earlier[name] === key[name])) return true;
  return await endSandboxes(deps, account, {
    end: vscode.l10n.t("End Them First"),
    leave: vscode.l10n.t("Same Account: Leave Them"),
    detail: vscode.l10n.t(
      "This is another key. If it is another account's, Sandpiper cannot end them any more: they go on, and cost, until their lifetime ends.",
    ),
  });
}

/** What is said when sandboxes are alive, and on the buttons. */
interface EndTexts {
  readonly end: string;
  readonly leave: string;
  readonly detail: string;
}

/** Without its key a sandbox cannot be ended before its time. @returns false when the user breaks off */
async function endSandboxes(deps: CommandDeps, account: Account, { end, leave, detail }: EndTexts): Promise<boolean> {
  const running = deps.store.sessions.filter((session) => isHeldBy(session, account));
  if (running.length === 0) return true;
  const message = vscode.l10n.t("Sandboxes alive on {0}: {1}", account.title, running.length);
  const answer = await vscode.window.showWarningMessage(message, { modal: true, detail }, end, leave);
  if (answer !== end) return answer === leave;
  const engine = await deps.link.get();
  for (const { id } of running) await engine.destroySession(id);
  return true;
}

function isHeldBy({ target }: SessionRecord, { providerId }: Account): boolean {
  return target.providerId === providerId;
}

/** Whether sandboxes there need an account that nobody has signed in to. */
export async function isSignedOut(
  { keys }: CommandDeps,
  providerId: SessionRecord["target"]["providerId"],
): Promise<boolean> {
  const account = findAccount(providerId);
  return account !== undefined && (await keys.read(account)) === undefined;
}
