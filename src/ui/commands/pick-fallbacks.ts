import * as vscode from "vscode";
import type { GpuTier } from "../../core/provider.ts";
import { describeSeveral, type GpuCatalog, toGpu } from "./gpu-catalog.ts";
import { showRows } from "./show-rows.ts";

interface FallbackRow extends vscode.QuickPickItem {
  /** One more of them, or the list as it is. */
  readonly add?: string;
  readonly all?: readonly string[];
}

/** What the engine calls a sandbox without a GPU in a list of fall-backs. */
const NO_GPU = "cpu";

/** Asks what to take when none is free, one after the other, as their order counts. Undefined when the user breaks off. */
export async function pickFallbacks(
  { offers, plain, last }: GpuCatalog,
  tier: GpuTier,
  count: number,
): Promise<readonly string[] | undefined> {
  const left = offers.filter((offer) => offer.tier.id !== tier.id && offer.disabledBecause === undefined);
  const others = left.map((offer): FallbackRow => {
    const add = toGpu(offer.tier, count);
    const description = describeSeveral(offer.rate, plain, Math.min(count, offer.tier.maxCount ?? 1));
    return {
      label: offer.tier.title,
      description: `${add}, ${description}`,
      iconPath: new vscode.ThemeIcon("chip"),
      add,
    };
  });
  const none = { label: vscode.l10n.t("No GPU"), iconPath: new vscode.ThemeIcon("vm"), add: NO_GPU };
  const all: readonly FallbackRow[] = [...others, none];
  const chosen: string[] = [];
  for (;;) {
    const rows = [...listEnds(chosen, last.fallbacks), ...all.filter(({ add = "" }) => !chosen.includes(add))];
    const wanted = [toGpu(tier, count), ...chosen].join(", ");
    const row = await showRows(rows, {
      title: vscode.l10n.t("If None Is Free: {0}", wanted),
      placeholder: vscode.l10n.t("What to take instead, in this order"),
    });
    if (row?.all) return row.all;
    if (row?.add === undefined) return undefined;
    chosen.push(row.add);
    // There is always a sandbox without one.
    if (row.add === NO_GPU) return chosen;
  }
}

function listEnds(chosen: readonly string[], last: readonly string[]): readonly FallbackRow[] {
  const stop: FallbackRow = {
    label: vscode.l10n.t("Nothing Else: Say So and Stop"),
    iconPath: new vscode.ThemeIcon("check"),
    all: chosen,
  };
  const again: FallbackRow = {
    label: vscode.l10n.t("As Last Time"),
    description: last.join(", "),
    iconPath: new vscode.ThemeIcon("history"),
    all: last,
  };
  return chosen.length === 0 && last.length > 0 ? [stop, again] : [stop];
}
