import { readFile } from "node:fs/promises";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { CostPolicy } from "../cloud-records.ts";
import { isMissing, isVersioned, writeJsonFile } from "../json-file.ts";

/** Nobody has set a limit or a price. */
export const NO_LIMIT: CostPolicy = { perRunUsd: 0, perDayUsd: 0, prices: {} };

/**
 * What was set last; no limit when nothing was.
 * @throws {SandboxError} `blocked` when it cannot be read: it may hold a budget, and stays where it is
 */
export async function readCostPolicy(file: string): Promise<CostPolicy> {
  try {
    const value: unknown = JSON.parse(await readFile(file, "utf8"));
    if (isPolicyFile(value)) return value.policy;
  } catch (error) {
    if (isMissing(error)) return NO_LIMIT;
  }
  const remedy = "Set it again: sandpiper budget --per-day USD, or the settings sandpiper.budget.";
  throw new SandboxError("blocked", `Your budget could not be read, so nothing that costs is started. ${remedy}`);
}

/** On disk when this resolves. */
export async function writeCostPolicy(file: string, policy: CostPolicy): Promise<void> {
  await writeJsonFile(file, { version: 1, policy }, true);
}

/** @throws {SandboxError} `invalid` for what is no limit or no price */
export function checkPolicy({ perRunUsd, perDayUsd, prices }: CostPolicy): void {
  checkAmount("The budget of a run", perRunUsd);
  checkAmount("The budget of a day", perDayUsd);
  for (const [name, price] of Object.entries(prices)) checkAmount(`The price "${name.slice(0, 80)}"`, price);
}

function checkAmount(what: string, usd: number): void {
  if (Number.isFinite(usd) && usd >= 0) return;
  throw new SandboxError("invalid", `${what} has to be an amount in US dollars from 0 up.`);
}

function isPolicyFile(value: unknown): value is { readonly version: 1; readonly policy: CostPolicy } {
  return isVersioned(value) && value.version === 1 && "policy" in value && isPolicy(value.policy);
}

function isPolicy(value: unknown): value is CostPolicy {
  if (typeof value !== "object" || value === null) return false;
  const { perRunUsd, perDayUsd, prices } = { perRunUsd: undefined, perDayUsd: undefined, prices: undefined, ...value };
  const isAmount = typeof perRunUsd === "number" && typeof perDayUsd === "number";
  return isAmount && typeof prices === "object" && prices !== null;
}
