import * as vscode from "vscode";
import type { GpuOffer, Rate } from "../../sessions/cloud-records.ts";
import type { Target } from "../../sessions/records.ts";
import { hasAbility } from "../abilities.ts";
import { describeRate } from "../describe-cost.ts";
import { withLateProgress } from "../late-progress.ts";
import { readSetting, writeSetting } from "../settings.ts";
import { EditorError } from "../show-error.ts";
import { describeProvider, type GpuChoice, readTarget } from "../target.ts";
import type { CommandDeps } from "./command-deps.ts";
import { describeSeveral, describeWhole, type GpuCatalog, toGpu } from "./gpu-catalog.ts";
import { pickFallbacks } from "./pick-fallbacks.ts";
import { showRows } from "./show-rows.ts";

interface TierRow extends vscode.QuickPickItem {
  /** Left out for no GPU. */
  readonly offer?: GpuOffer;
}

interface CountRow extends vscode.QuickPickItem {
  readonly count: number;
}

const MEMENTO_KEY = "lastGpu";

/** Asks which GPU runs get from now on. @throws {EditorError} `unsupported` where the provider has none */
export async function selectGpu(deps: CommandDeps): Promise<void> {
  const target = readTarget(undefined);
  if (!hasAbility(target, "gpus")) {
    const select = { title: vscode.l10n.t("Select Provider"), command: "sandpiper.selectProvider" };
    const message = vscode.l10n.t("{0} has no GPUs. Select a provider that has.", describeProvider(target.providerId));
    throw new EditorError("unsupported", message, [select]);
  }
  const choice = await pickGpu(deps, target);
  if (choice) await writeGpuChoice(choice);
}

/** Makes a choice what runs get from now on. */
export async function writeGpuChoice({ gpu, fallbacks }: GpuChoice): Promise<void> {
  await writeSetting("gpu", gpu);
  await writeSetting("gpuFallbacks", fallbacks);
}

/** Asks for a GPU, how many, and what to take when none is free. Undefined when the user breaks off. @throws {SandboxError} */
export async function pickGpu(deps: CommandDeps, target: Target): Promise<GpuChoice | undefined> {
  const catalog = await withLateProgress(vscode.l10n.t("Looking up GPUs"), () => readCatalog(deps, target));
  const row = await pickTier(catalog, describeLimits(target));
  if (!row) return undefined;
  const choice = row.offer ? await completeChoice(catalog, row.offer) : { gpu: "", fallbacks: [] };
  if (choice) await deps.memento.update(MEMENTO_KEY, choice);
  return choice;
}

async function readCatalog({ link, memento }: CommandDeps, target: Target): Promise<GpuCatalog> {
  const { gpu: _gpu, gpuFallbacks: _fallbacks, ...plain } = target;
  const engine = await link.get();
  const [offers, rate] = await Promise.all([engine.listGpus(plain), engine.estimateRate(plain)]);
  const settings = { gpu: readSetting("gpu"), fallbacks: readSetting("gpuFallbacks") };
  return { offers, plain: rate, last: memento.get<GpuChoice>(MEMENTO_KEY, settings) };
}

/** What is different with a GPU there. */
function describeLimits({ providerId }: Target): readonly string[] {
  if (providerId !== "daytona") return [];
  return [vscode.l10n.t("Daytona deletes a sandbox with a GPU when it stops: it cannot be paused")];
}

async function pickTier({ offers, plain, last }: GpuCatalog, limits: readonly string[]): Promise<TierRow | undefined> {
  const [lastId] = last.gpu.split(":");
  const none: TierRow = {
    label: vscode.l10n.t("No GPU"),
    description: plain ? describeRate(plain.usdPerHour) : vscode.l10n.t("price unknown"),
    iconPath: new vscode.ThemeIcon("vm"),
  };
  const sorted = [...offers].sort((a, b) => Number(b.tier.id === lastId) - Number(a.tier.id === lastId));
  const rows = [none, ...sorted.map((offer) => toTierRow(offer, plain, offer.tier.id === lastId))];
  return await showRows(rows, {
    title: vscode.l10n.t("Which GPU?"),
    placeholder: [describePrices(offers), ...limits].join(". "),
    active: rows.find(({ offer }) => offer?.tier.id === lastId) ?? none,
    whyNot: ({ offer }) => offer?.disabledBecause,
  });
}

function toTierRow(offer: GpuOffer, plain: Rate | undefined, isLast: boolean): TierRow {
  const { tier, rate, disabledBecause } = offer;
  const marks = [
    tier.vramGiB === undefined ? "" : vscode.l10n.t("{0} GB of VRAM", tier.vramGiB),
    describeOwnPrice(rate, plain),
    isLast ? vscode.l10n.t("last choice") : "",
    disabledBecause === undefined ? "" : vscode.l10n.t("not available now"),
  ];
  const detail = disabledBecause ?? (rate && describeWhole(rate.usdPerHour));
  return {
    label: tier.title,
    description: marks.filter((mark) => mark !== "").join(", "),
    ...(detail === undefined ? {} : { detail }),
    iconPath: new vscode.ThemeIcon(disabledBecause === undefined ? "chip" : "circle-slash"),
    offer,
  };
}

/** Of the GPU alone; nothing where only the whole is known. */
function describeOwnPrice(rate: Rate | undefined, plain: Rate | undefined): string {
  if (!rate) return vscode.l10n.t("price unknown");
  return plain ? describeRate(rate.usdPerHour - plain.usdPerHour) : "";
}

function describePrices(offers: readonly GpuOffer[]): string {
  const asOf = offers.find(({ rate }) => rate)?.rate?.asOf;
  return asOf === undefined
    ? vscode.l10n.t("Prices are not known.")
    : vscode.l10n.t("Estimates, by prices of {0}", asOf);
}

async function completeChoice(catalog: GpuCatalog, offer: GpuOffer): Promise<GpuChoice | undefined> {
  const count = await pickCount(catalog, offer);
  if (count === undefined) return undefined;
  const fallbacks = await pickFallbacks(catalog, offer.tier, count);
  return fallbacks && { gpu: toGpu(offer.tier, count), fallbacks };
}

async function pickCount({ plain, last }: GpuCatalog, { tier, rate }: GpuOffer): Promise<number | undefined> {
  const most = tier.maxCount ?? 1;
  if (most === 1) return 1;
  const rows = Array.from({ length: most }, (_, index): CountRow => {
    const count = index + 1;
    const iconPath = new vscode.ThemeIcon("chip");
    return { label: `${count} × ${tier.title}`, description: describeSeveral(rate, plain, count), iconPath, count };
  });
  const active = rows.find(({ count }) => toGpu(tier, count) === last.gpu);
  return (await showRows(rows, { title: vscode.l10n.t("How Many?"), active }))?.count;
}
