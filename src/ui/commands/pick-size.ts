import * as vscode from "vscode";
import type { Rate } from "../../sessions/cloud-records.ts";
import { isSizedByImage } from "../../sessions/cost/rate.ts";
import type { Target } from "../../sessions/records.ts";
import { describeRate } from "../describe-cost.ts";
import { describeSize } from "../describe-size.ts";
import { isPricedProvider } from "../abilities.ts";
import { withLateProgress } from "../late-progress.ts";
import { writeSetting } from "../settings.ts";
import { EditorError } from "../show-error.ts";
import { describeProvider, readTarget } from "../target.ts";
import type { CommandDeps } from "./command-deps.ts";
import { showRows } from "./show-rows.ts";

type Size = Pick<Target, "cpus" | "memoryMiB">;

interface SizeRow extends vscode.QuickPickItem {
  /** Left out to type one. */
  readonly size?: Size;
}

const PRESETS: readonly Size[] = [
  { cpus: 1, memoryMiB: 1024 },
  { cpus: 2, memoryMiB: 2048 },
  { cpus: 2, memoryMiB: 4096 },
  { cpus: 4, memoryMiB: 8192 },
  { cpus: 8, memoryMiB: 16_384 },
  { cpus: 16, memoryMiB: 32_768 },
];
/** As package.json bounds the settings. */
const CPUS = { least: 0.1, most: 256 };
const MEMORY_MIB = { least: 64, most: 1_048_576 };

/** Asks how many processors and how much memory sandboxes get, and makes it settings. @throws {EditorError} `unsupported` */
export async function selectSize(deps: CommandDeps): Promise<void> {
  const target = readTarget(undefined);
  if (isSizedByImage(target, target.gpu)) throw newSizedByImageError(target);
  const size = await pickSize(deps, target);
  if (!size) return;
  await writeSetting("cpus", size.cpus);
  await writeSetting("memoryMiB", size.memoryMiB);
}

function newSizedByImageError({ providerId }: Target): EditorError {
  const choose = { title: vscode.l10n.t("Choose Image…"), command: "sandpiper.selectImage" };
  const message =
    providerId === "e2b"
      ? vscode.l10n.t("A template of E2B says itself how large its sandboxes are. Choose another template.")
      : vscode.l10n.t(
          "A snapshot of {0} says itself how large its sandboxes are. Choose an image of a registry to say it yourself.",
          describeProvider(providerId),
        );
  return new EditorError("unsupported", message, [choose]);
}

async function pickSize(deps: CommandDeps, target: Target): Promise<Size | undefined> {
  const isSet = PRESETS.some((preset) => isSame(preset, target));
  const sizes = isSet ? PRESETS : [{ cpus: target.cpus, memoryMiB: target.memoryMiB }, ...PRESETS];
  const rows = await withLateProgress(vscode.l10n.t("Looking up prices"), async () => {
    const engine = await deps.link.get();
    const toRow = async (size: Size): Promise<SizeRow> => {
      const rate = isPricedProvider(target.providerId) ? await engine.estimateRate({ ...target, ...size }) : undefined;
      return toSizeRow(size, target, rate);
    };
    return await Promise.all(sizes.map(toRow));
  });
  const other: SizeRow = { label: vscode.l10n.t("Another Size…"), iconPath: new vscode.ThemeIcon("edit") };
  const row = await showRows([...rows, other], {
    title: vscode.l10n.t("How Large Are Sandboxes?"),
    active: rows.find(({ size }) => size && isSame(size, target)),
  });
  return row && (row.size ?? (await typeSize(target)));
}

function isSame(one: Size, other: Size): boolean {
  return one.cpus === other.cpus && one.memoryMiB === other.memoryMiB;
}

function toSizeRow(size: Size, target: Target, rate: Rate | undefined): SizeRow {
  const marks = [
    rate ? describeRate(rate.usdPerHour) : isPricedProvider(target.providerId) ? vscode.l10n.t("price unknown") : "",
    isSame(size, target) ? vscode.l10n.t("current") : "",
  ];
  return {
    label: describeSize(size),
    description: marks.filter((mark) => mark !== "").join(", "),
    iconPath: new vscode.ThemeIcon("server"),
    size,
  };
}

async function typeSize({ cpus, memoryMiB }: Target): Promise<Size | undefined> {
  const typedCpus = await typeNumber(vscode.l10n.t("Processors"), cpus, CPUS);
  if (typedCpus === undefined) return undefined;
  const typedMemory = await typeNumber(vscode.l10n.t("Memory in MiB"), memoryMiB, MEMORY_MIB);
  return typedMemory === undefined ? undefined : { cpus: typedCpus, memoryMiB: Math.round(typedMemory) };
}

async function typeNumber(
  prompt: string,
  value: number,
  { least, most }: { readonly least: number; readonly most: number },
): Promise<number | undefined> {
  const toNumber = (text: string): number | undefined => {
    const number = Number(text.trim() || Number.NaN);
    return number >= least && number <= most ? number : undefined;
  };
  const text = await vscode.window.showInputBox({
    title: vscode.l10n.t("How Large Are Sandboxes?"),
    prompt,
    value: String(value),
    ignoreFocusOut: true,
    validateInput: (typed) =>
      toNumber(typed) === undefined ? vscode.l10n.t("A number from {0} to {1}", least, most) : undefined,
  });
  return text === undefined ? undefined : toNumber(text);
}
