import * as vscode from "vscode";
import type { RunRecord } from "../../sessions/records.ts";
import type { RunInput } from "../run-request.ts";
import { pickFolder, requireTrust } from "../workspace-folder.ts";
import type { CommandDeps } from "./command-deps.ts";
import { startRun } from "./start-run.ts";

const MEMENTO_KEY = "commands";
const MAX_REMEMBERED = 20;

/** Asks for a command line and runs it in the sandbox's workspace. */
export async function runCommand(deps: CommandDeps): Promise<RunRecord | undefined> {
  requireTrust();
  const input = await askForCommand(deps);
  return input && startRun(deps, input);
}

/** Asks for a command line, with those used before to pick from. Undefined when the user gives none. */
export async function askForCommand(deps: CommandDeps): Promise<RunInput | undefined> {
  const folder = await pickFolder();
  if (!folder) return undefined;
  const remembered = deps.memento.get<readonly string[]>(MEMENTO_KEY, []);
  const line = await askForLine(remembered);
  if (!line) return undefined;
  const others = remembered.filter((each) => each !== line);
  await deps.memento.update(MEMENTO_KEY, [line, ...others].slice(0, MAX_REMEMBERED));
  return { folder, command: { kind: "line", line } };
}

function askForLine(remembered: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const pick = vscode.window.createQuickPick();
    pick.title = vscode.l10n.t("Run a command in the sandbox");
    pick.placeholder = vscode.l10n.t("A command line for sh, such as: python -m pytest -q");
    const show = (): void => {
      const typed = pick.value.trim();
      const isNew = typed !== "" && !remembered.includes(typed);
      pick.items = [
        ...(isNew ? [{ label: typed, description: vscode.l10n.t("run this"), alwaysShow: true }] : []),
        ...remembered.map((line) => ({ label: line, iconPath: new vscode.ThemeIcon("history") })),
      ];
    };
    show();
    pick.onDidChangeValue(show);
    pick.onDidAccept(() => {
      resolve(pick.selectedItems[0]?.label ?? pick.value.trim());
      pick.hide();
    });
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
    pick.show();
  });
}
