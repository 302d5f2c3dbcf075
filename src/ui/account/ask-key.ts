import * as vscode from "vscode";
import { type Account, type KeyPart, type Profile, readEnvKey } from "../../sessions/accounts.ts";
import type { Credential } from "../../sessions/credentials.ts";

type Source = "paste" | "environment" | "profile" | "create";

interface SourceItem extends vscode.QuickPickItem {
  readonly source: Source;
}

interface ProfileItem extends vscode.QuickPickItem {
  readonly profile: Profile;
}

/**
 * Asks where the key is, and takes it from there. The environment and files are looked into only for whoever chose them.
 * Undefined when the user chooses nothing. @throws {SandboxError} when a profile cannot be read
 */
export async function askKey(account: Account, env: NodeJS.ProcessEnv): Promise<Credential | undefined> {
  const item = await vscode.window.showQuickPick(listSources(account, env), {
    title: vscode.l10n.t("Sign In to {0}", account.title),
    placeHolder: vscode.l10n.t("It is kept in this editor's secret storage. No setting, log or sandbox gets it."),
    ignoreFocusOut: true,
  });
  if (!item) return undefined;
  switch (item.source) {
    case "environment":
      return readEnvKey(account, env);
    case "profile":
      return await pickProfile(account, env);
    case "create":
      await vscode.env.openExternal(vscode.Uri.parse(account.keysUrl));
      return await typeKey(account);
    case "paste":
      return await typeKey(account);
  }
}

function listSources(account: Account, env: NodeJS.ProcessEnv): readonly SourceItem[] {
  const texts = toTexts(account);
  const variables = account.keyParts.map(({ variable }) => variable);
  const environment: SourceItem = {
    label:
      variables.length === 1
        ? vscode.l10n.t("Use {0}", variables.join())
        : vscode.l10n.t("Use {0} and {1}", variables[0] ?? "", variables[1] ?? ""),
    description: vscode.l10n.t("from the environment of this window"),
    iconPath: new vscode.ThemeIcon("terminal"),
    source: "environment",
  };
  const profile: SourceItem = {
    label: vscode.l10n.t("Use a Profile of {0}…", account.profiles?.path(env) ?? ""),
    iconPath: new vscode.ThemeIcon("file"),
    source: "profile",
  };
  return [
    { label: texts.paste, iconPath: new vscode.ThemeIcon("key"), source: "paste" },
    ...(readEnvKey(account, env) ? [environment] : []),
    ...(account.profiles ? [profile] : []),
    {
      label: texts.create,
      description: account.keysUrl,
      iconPath: new vscode.ThemeIcon("link-external"),
      source: "create",
    },
  ];
}

interface Texts {
  readonly paste: string;
  readonly create: string;
  /** What may be typed besides the bare part. */
  readonly orElse: (variable: string) => string;
}

function toTexts({ keyWord }: Account): Texts {
  return keyWord === "token"
    ? {
        paste: vscode.l10n.t("Paste a Token…"),
        create: vscode.l10n.t("Create a Token…"),
        orElse: (variable) => vscode.l10n.t("{0}, or the whole command that the token's page shows", variable),
      }
    : {
        paste: vscode.l10n.t("Paste an API Key…"),
        create: vscode.l10n.t("Create an API Key…"),
        orElse: (variable) => vscode.l10n.t("{0}, or the whole line that sets it", variable),
      };
}

async function pickProfile(account: Account, env: NodeJS.ProcessEnv): Promise<Credential | undefined> {
  const profiles = (await account.profiles?.read(env)) ?? [];
  const items: readonly ProfileItem[] = profiles.map((profile) => ({
    label: profile.name,
    description: profile.isActive ? vscode.l10n.t("active") : "",
    detail: profile.server ?? "",
    profile,
  }));
  const placeHolder = vscode.l10n.t("Which profile?");
  return (await vscode.window.showQuickPick(items, { placeHolder, ignoreFocusOut: true }))?.profile.credential;
}

async function typeKey(account: Account): Promise<Credential | undefined> {
  const key: Record<string, string> = {};
  for (const part of account.keyParts) {
    const text = await typePart(account, part);
    if (!text) return undefined;
    const whole = findKey(account, text);
    if (whole) return whole;
    key[part.name] = text;
  }
  return key;
}

async function typePart(account: Account, part: KeyPart): Promise<string | undefined> {
  const text = await vscode.window.showInputBox({
    title: vscode.l10n.t("Sign In to {0}", account.title),
    prompt: toTexts(account).orElse(part.variable),
    placeHolder: `${part.prefix}…`,
    password: true,
    ignoreFocusOut: true,
    validateInput: (typed) => doubtPart(account, part, typed.trim()),
  });
  return text?.trim();
}

/** A doubt, which does not keep the user from going on: formats change. */
function doubtPart(account: Account, part: KeyPart, text: string): vscode.InputBoxValidationMessage | undefined {
  if (text === "" || text.startsWith(part.prefix) || findKey(account, text)) return undefined;
  return {
    message: vscode.l10n.t("{0} usually begins with {1}", part.variable, part.prefix),
    severity: vscode.InputBoxValidationSeverity.Warning,
  };
}

/** The key in a text that holds all its parts, such as `modal token set --token-id ak-… --token-secret as-…`. */
function findKey({ keyParts }: Account, text: string): Credential | undefined {
  const words = text.split(/[\s="']+/);
  const found = keyParts.flatMap(({ name, prefix }) => {
    const word = words.find((each) => each.startsWith(prefix));
    return word === undefined ? [] : [[name, word] as const];
  });
  return found.length === keyParts.length ? Object.fromEntries(found) : undefined;
}
