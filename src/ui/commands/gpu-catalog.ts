import * as vscode from "vscode";
import type { GpuTier } from "../../core/provider.ts";
import type { GpuOffer, Rate } from "../../sessions/cloud-records.ts";
import { describeRate } from "../describe-cost.ts";
import type { GpuChoice } from "../target.ts";

/** What can be had, and what was taken last. */
export interface GpuCatalog {
  readonly offers: readonly GpuOffer[];
  /** Of a sandbox without any. */
  readonly plain: Rate | undefined;
  readonly last: GpuChoice;
}

/** Of a sandbox as a whole. */
export function describeWhole(usdPerHour: number): string {
  return vscode.l10n.t("{0} for the whole sandbox", describeRate(usdPerHour));
}

/** What a sandbox with so many of them costs. */
export function describeSeveral(rate: Rate | undefined, plain: Rate | undefined, count: number): string {
  if (!rate || !plain) return vscode.l10n.t("price unknown");
  return describeWhole(plain.usdPerHour + count * (rate.usdPerHour - plain.usdPerHour));
}

/** As targets name it: "H100", "H100:2"; no more of them than there can be. */
export function toGpu({ id, maxCount = 1 }: GpuTier, count: number): string {
  const possible = Math.min(count, maxCount);
  return possible === 1 ? id : `${id}:${possible}`;
}
