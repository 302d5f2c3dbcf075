import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../core/disposable-store.ts";
import type { NetworkPolicy } from "../core/provider.ts";
import { toMessage } from "../core/sandbox-error.ts";
import { createCostMeter } from "./cost-meter.ts";
import { describeNetwork } from "./describe-run.ts";
import { limitRate } from "./limit-rate.ts";
import type { RunStore } from "./run-store.ts";
import { readSetting } from "./settings.ts";
import { readTargetChoice } from "./target.ts";
import { countLive } from "./views/runs-view.ts";

/** Batches change many times a second. */
const BATCH_MS = 500;

/** Where code would run, and whether it does: a click chooses. Beside it what that costs. */
export function createStatusBar(store: RunStore): Disposable {
  const resources = new DisposableStore();
  const item = resources.add(vscode.window.createStatusBarItem("sandpiper.target", vscode.StatusBarAlignment.Left, 50));
  item.name = vscode.l10n.t("Sandbox Target");
  item.command = "sandpiper.selectProvider";
  const draw = (): void => drawItem(item, store);
  const drawSoon = resources.add(limitRate(draw, BATCH_MS));
  resources.add(store.onDidChange(draw));
  resources.add(store.batches.onDidChange(() => drawSoon.request()));
  resources.add(
    vscode.workspace.onDidChangeConfiguration((change) => change.affectsConfiguration("sandpiper") && draw()),
  );
  draw();
  item.show();
  resources.add(createCostMeter(store));
  return resources;
}

function drawItem(item: vscode.StatusBarItem, store: RunStore): void {
  const running = countLive(store);
  const place = readPlace();
  const network = describeNetwork(place);
  const count = running === 0 ? "" : ` · ${vscode.l10n.t("{0} running", running)}`;
  item.text = `${running > 0 ? "$(sync~spin)" : "$(beaker)"} ${place.label}${count}`;
  item.tooltip = vscode.l10n.t("Sandpiper runs code in {0}, {1}. Click to choose.", place.label, network);
  item.accessibilityInformation = {
    label: vscode.l10n.t("Sandbox: {0}, {1}{2}", place.label, network, count),
    role: "button",
  };
}

/** A setting with a value it cannot have must not take the status bar down. */
function readPlace(): { readonly label: string; readonly network: NetworkPolicy } {
  try {
    return { label: readTargetChoice().label, network: readSetting("network") };
  } catch (error) {
    return { label: toMessage(error), network: "none" };
  }
}
