import * as vscode from "vscode";
import type { ImageOffer } from "../../core/provider.ts";
import { toDisplay } from "../../core/workspace-path.ts";
import type { Rate } from "../../sessions/cloud-records.ts";
import type { Target } from "../../sessions/records.ts";
import { isPricedProvider } from "../abilities.ts";
import { describeRate } from "../describe-cost.ts";
import { describeSize } from "../describe-size.ts";
import { toImageSetting } from "../image-setting.ts";
import { withLateProgress } from "../late-progress.ts";
import { writeSetting } from "../settings.ts";
import { EditorError } from "../show-error.ts";
import { describeProvider, readTarget } from "../target.ts";
import type { CommandDeps } from "./command-deps.ts";
import { showRows } from "./show-rows.ts";

interface ImageRow extends vscode.QuickPickItem {
  /** As the setting has it; "" for the provider's default; left out to type one. */
  readonly image?: string;
}

/** An image, and what a sandbox from it costs. */
interface PricedOffer {
  readonly offer: ImageOffer;
  readonly rate: Rate | undefined;
}

/** Asks what sandboxes of the selected provider start from, and makes it a setting. @throws {EditorError} `unsupported` */
export async function selectImage(deps: CommandDeps): Promise<void> {
  const target = readTarget(undefined);
  const setting = toImageSetting(target.providerId);
  if (!setting) {
    const select = { title: vscode.l10n.t("Select Provider"), command: "sandpiper.selectProvider" };
    const name = describeProvider(target.providerId);
    throw new EditorError("unsupported", vscode.l10n.t("{0} starts from no image.", name), [select]);
  }
  const image = await pickImage(deps, target);
  if (image !== undefined) await writeSetting(setting, image);
}

async function pickImage(deps: CommandDeps, target: Target): Promise<string | undefined> {
  const offers = await withLateProgress(vscode.l10n.t("Looking up images"), () => readOffers(deps, target));
  if (offers.length === 0) return await typeImage(target);
  const rows = offers.map((priced, index) => toRow(priced, target, index === 0));
  const row = await showRows(
    [...rows, { label: vscode.l10n.t("Type a Name…"), iconPath: new vscode.ThemeIcon("edit") }],
    {
      title: vscode.l10n.t("What Do Sandboxes Start From?"),
      placeholder: describePrices(offers),
      active: rows.find(({ image }) => image === (target.image ?? "")),
    },
  );
  return row && (row.image ?? (await typeImage(target)));
}

async function readOffers({ link }: CommandDeps, target: Target): Promise<readonly PricedOffer[]> {
  const engine = await link.get();
  const offers = await engine.listImages(target);
  const toPriced = async (offer: ImageOffer): Promise<PricedOffer> => ({
    offer,
    // Where nothing is known of its size there is no price either.
    rate: offer.cpus === undefined ? undefined : await engine.estimateRate({ ...target, image: offer.id }),
  });
  return await Promise.all(offers.map(toPriced));
}

/** The first one is the provider's default: choosing it goes on choosing whatever that is. */
function toRow({ offer, rate }: PricedOffer, target: Target, isDefault: boolean): ImageRow {
  const { id, title, cpus, memoryMiB } = offer;
  const isCurrent = target.image === id || (target.image === undefined && isDefault);
  const marks = [
    cpus === undefined || memoryMiB === undefined ? "" : describeSize({ cpus, memoryMiB }),
    rate ? describeRate(rate.usdPerHour) : isPricedProvider(target.providerId) ? vscode.l10n.t("price unknown") : "",
    isDefault ? vscode.l10n.t("default") : "",
    isCurrent ? vscode.l10n.t("current") : "",
  ];
  return {
    label: toDisplay(title),
    description: marks.filter((mark) => mark !== "").join(", "),
    iconPath: new vscode.ThemeIcon("package"),
    image: isDefault ? "" : id,
  };
}

function describePrices(offers: readonly PricedOffer[]): string {
  const asOf = offers.find(({ rate }) => rate)?.rate?.asOf;
  return asOf === undefined
    ? vscode.l10n.t("Prices are not known.")
    : vscode.l10n.t("Estimates, by prices of {0}", asOf);
}

async function typeImage({ providerId, image }: Target): Promise<string | undefined> {
  const text = await vscode.window.showInputBox({
    title: vscode.l10n.t("What Do Sandboxes Start From?"),
    prompt: describeName(providerId),
    value: image ?? "",
    ignoreFocusOut: true,
  });
  return text?.trim();
}

function describeName(providerId: Target["providerId"]): string {
  if (providerId === "e2b") return vscode.l10n.t("A template or a snapshot of E2B, by name or id. Empty: the default");
  if (providerId === "daytona")
    return vscode.l10n.t(
      "An image such as python:3.12-slim, or snapshot:NAME for one of Daytona's. Empty: the default",
    );
  return vscode.l10n.t("An image of a registry, such as python:3.12-slim. Empty: the default");
}
