import * as vscode from "vscode";
import type { NetworkPolicy } from "../../core/provider.ts";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import { findAccount } from "../../sessions/accounts.ts";
import { canAllowHosts, hasAbility } from "../abilities.ts";
import { readSetting, writeSetting } from "../settings.ts";
import { openSettings } from "../show-error.ts";
import { listTargetChoices, readTarget, readTargetChoice, type TargetChoice, writeTargetChoice } from "../target.ts";
import type { CommandDeps } from "./command-deps.ts";
import { pickGpu } from "./pick-gpu.ts";
import { isSignedOut, signInTo } from "./sign-in.ts";

interface ChoiceItem extends vscode.QuickPickItem {
  readonly choice?: TargetChoice;
  readonly network?: NetworkPolicy;
  /** Its account is missing, or its key is no longer accepted. */
  readonly isSignedOut?: boolean;
}

/** Whether something could run there now; `reason` is why not, for people. */
type Readiness = { readonly kind: "ready" | "signed-out" } | { readonly kind: "failed"; readonly reason: string };

const MEMENTO_KEY = "lastChoice";

/**
 * Asks where to run this once, and with which GPU where there are some; what was chosen last comes first. Undefined when
 * the user chooses nothing, or does not sign in where that takes it.
 */
export async function pickTarget(deps: CommandDeps): Promise<TargetChoice | undefined> {
  const last = deps.memento.get<string>(MEMENTO_KEY);
  const choices = [...listTargetChoices()].sort((a, b) => Number(b.id === last) - Number(a.id === last));
  const choice = await settleAccount(deps, await showChoices(deps, vscode.l10n.t("Run On"), choices, []));
  if (!choice) return undefined;
  await deps.memento.update(MEMENTO_KEY, choice.id);
  const target = readTarget(undefined, choice);
  if (!hasAbility(target, "gpus")) return choice;
  const gpu = await pickGpu(deps, target);
  return gpu && { ...choice, gpu };
}

/** Asks where runs go from now on, and whether they reach the network. */
export async function selectProvider(deps: CommandDeps): Promise<void> {
  const item = await showChoices(deps, vscode.l10n.t("Where Should Code Run?"), listTargetChoices(), [
    { label: vscode.l10n.t("Network"), kind: vscode.QuickPickItemKind.Separator },
    ...listNetworks(),
  ]);
  if (item?.network) await selectNetwork(item.network);
  const choice = await settleAccount(deps, item);
  if (choice) await writeTargetChoice(choice);
}

/** The policies that are not the present one. A list of hosts is for providers that can hold sandboxes to it. */
function listNetworks(): readonly ChoiceItem[] {
  const now = readSetting("network");
  const iconPath = new vscode.ThemeIcon("globe");
  const descriptions: Readonly<Record<NetworkPolicy, string>> = {
    none: vscode.l10n.t("now: off"),
    "allow-list": vscode.l10n.t("now: hosts on your list"),
    full: vscode.l10n.t("now: on"),
  };
  const description = descriptions[now];
  const offered: readonly ChoiceItem[] = [
    { label: vscode.l10n.t("Let Sandboxes Reach the Network"), description, iconPath, network: "full" },
    { label: vscode.l10n.t("Let Sandboxes Reach Hosts on a List"), description, iconPath, network: "allow-list" },
    { label: vscode.l10n.t("Cut Sandboxes Off from the Network"), description, iconPath, network: "none" },
  ];
  const canHaveList = canAllowHosts(readSetting("provider"));
  return offered.filter(({ network }) => network !== now && (network !== "allow-list" || canHaveList));
}

async function selectNetwork(network: NetworkPolicy): Promise<void> {
  await writeSetting("network", network);
  if (network !== "allow-list" || readSetting("allowedHosts").length > 0) return;
  const { command, args = [] } = openSettings("sandpiper.allowedHosts");
  await vscode.commands.executeCommand(command, ...args);
}

/** The item's choice, once the user is signed in where that takes it; else undefined. @throws {SandboxError} */
async function settleAccount(deps: CommandDeps, item: ChoiceItem | undefined): Promise<TargetChoice | undefined> {
  if (!item?.choice) return undefined;
  const account = findAccount(item.choice.providerId);
  const mustSignIn = item.isSignedOut || (await isSignedOut(deps, item.choice.providerId));
  return !account || !mustSignIn || (await signInTo(deps, account)) ? item.choice : undefined;
}

/** Shows the choices at once, and the reason at each that turns out not to be able to run. */
function showChoices(
  deps: CommandDeps,
  title: string,
  choices: readonly TargetChoice[],
  others: readonly ChoiceItem[],
): Promise<ChoiceItem | undefined> {
  return new Promise((resolve) => {
    const known = new Map<string, Readiness>();
    const pick = vscode.window.createQuickPick<ChoiceItem>();
    const current = readTargetChoice();
    const draw = (): void => {
      const active = pick.activeItems[0]?.label ?? choices[0]?.label;
      pick.items = [
        ...choices.map((choice) => toItem(choice, choice.id === current.id, known.get(choice.id))),
        ...others,
      ];
      pick.activeItems = pick.items.filter((item) => item.label === active);
    };
    pick.title = title;
    pick.matchOnDetail = true;
    pick.busy = true;
    draw();
    const checks = choices.map(async (choice) => {
      known.set(choice.id, await checkChoice(deps, choice));
      draw();
    });
    void Promise.all(checks).finally(() => {
      pick.busy = false;
    });
    pick.onDidAccept(() => {
      resolve(pick.selectedItems[0]);
      pick.hide();
    });
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
    pick.show();
  });
}

function toItem(choice: TargetChoice, isCurrent: boolean, known: Readiness | undefined): ChoiceItem {
  const isFailed = known?.kind === "failed";
  const marks = [isCurrent ? vscode.l10n.t("current") : "", describeReadiness(choice, known)];
  return {
    label: choice.label,
    description: marks.filter((mark) => mark !== "").join(", "),
    detail: isFailed ? known.reason : choice.detail,
    iconPath: new vscode.ThemeIcon(isFailed ? "circle-slash" : toIcon(choice)),
    choice,
    isSignedOut: known?.kind === "signed-out",
  };
}

function describeReadiness({ providerId }: TargetChoice, known: Readiness | undefined): string {
  if (!known) return "";
  switch (known.kind) {
    case "failed":
      return vscode.l10n.t("not available now");
    case "signed-out":
      return vscode.l10n.t("sign in first");
    case "ready":
      return findAccount(providerId) ? vscode.l10n.t("signed in") : "";
  }
}

function toIcon({ providerId }: TargetChoice): string {
  return { local: "vm", docker: "package", modal: "cloud", e2b: "cloud", daytona: "cloud" }[providerId];
}

async function checkChoice(deps: CommandDeps, choice: TargetChoice): Promise<Readiness> {
  try {
    if (await isSignedOut(deps, choice.providerId)) return { kind: "signed-out" };
    const engine = await deps.link.get();
    await engine.checkTarget(readTarget(undefined, choice));
    return { kind: "ready" };
  } catch (error) {
    if (!(error instanceof SandboxError)) deps.logger.warn(toMessage(error));
    else if (error.code === "auth" && findAccount(choice.providerId)) return { kind: "signed-out" };
    return { kind: "failed", reason: toMessage(error).replaceAll(/\s+/g, " ") };
  }
}
