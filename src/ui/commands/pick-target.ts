import * as vscode from "vscode";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import { readSetting, writeSetting } from "../settings.ts";
import { listTargetChoices, readTarget, readTargetChoice, type TargetChoice, writeTargetChoice } from "../target.ts";
import type { CommandDeps } from "./command-deps.ts";

interface ChoiceItem extends vscode.QuickPickItem {
  readonly choice?: TargetChoice;
  readonly action?: "network";
}

const MEMENTO_KEY = "lastChoice";

/** Asks where to run this once; what was chosen last comes first. Undefined when the user chooses nothing. */
export async function pickTarget(deps: CommandDeps): Promise<TargetChoice | undefined> {
  const last = deps.memento.get<string>(MEMENTO_KEY);
  const choices = [...listTargetChoices()].sort((a, b) => Number(b.id === last) - Number(a.id === last));
  const item = await showChoices(deps, vscode.l10n.t("Run On"), choices, []);
  if (item?.choice) await deps.memento.update(MEMENTO_KEY, item.choice.id);
  return item?.choice;
}

/** Asks where runs go from now on, and whether they reach the network. */
export async function selectProvider(deps: CommandDeps): Promise<void> {
  const isOff = readSetting("network") === "none";
  const network: ChoiceItem = {
    label: isOff
      ? vscode.l10n.t("Let Sandboxes Reach the Network")
      : vscode.l10n.t("Cut Sandboxes Off from the Network"),
    description: isOff ? vscode.l10n.t("now: off") : vscode.l10n.t("now: on"),
    iconPath: new vscode.ThemeIcon("globe"),
    action: "network",
  };
  const item = await showChoices(deps, vscode.l10n.t("Where Should Code Run?"), listTargetChoices(), [
    { label: vscode.l10n.t("Network"), kind: vscode.QuickPickItemKind.Separator },
    network,
  ]);
  if (item?.action) await writeSetting("network", isOff ? "full" : "none");
  if (item?.choice) await writeTargetChoice(item.choice);
}

/** Shows the choices at once, and the reason at each that turns out not to be able to run. */
function showChoices(
  deps: CommandDeps,
  title: string,
  choices: readonly TargetChoice[],
  others: readonly ChoiceItem[],
): Promise<ChoiceItem | undefined> {
  return new Promise((resolve) => {
    const reasons = new Map<string, string | undefined>();
    const pick = vscode.window.createQuickPick<ChoiceItem>();
    const current = readTargetChoice();
    const draw = (): void => {
      const active = pick.activeItems[0]?.label;
      pick.items = [...choices.map((choice) => toItem(choice, choice.id === current.id, reasons)), ...others];
      pick.activeItems = pick.items.filter((item) => item.label === active);
    };
    pick.title = title;
    pick.matchOnDetail = true;
    pick.busy = true;
    draw();
    const checks = choices.map(async (choice) => {
      reasons.set(choice.id, await whyNot(deps, choice));
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

function toItem(
  choice: TargetChoice,
  isCurrent: boolean,
  reasons: ReadonlyMap<string, string | undefined>,
): ChoiceItem {
  const reason = reasons.get(choice.id);
  const marks = [isCurrent ? vscode.l10n.t("current") : "", reason ? vscode.l10n.t("not available now") : ""];
  return {
    label: choice.label,
    description: marks.filter((mark) => mark !== "").join(", "),
    detail: reason ?? choice.detail,
    iconPath: new vscode.ThemeIcon(reason ? "circle-slash" : choice.providerId === "local" ? "vm" : "package"),
    choice,
  };
}

async function whyNot(deps: CommandDeps, choice: TargetChoice): Promise<string | undefined> {
  try {
    const engine = await deps.link.get();
    await engine.checkTarget(readTarget(undefined, choice));
    return undefined;
  } catch (error) {
    if (!(error instanceof SandboxError)) deps.logger.warn(toMessage(error));
    return toMessage(error).replaceAll(/\s+/g, " ");
  }
}
