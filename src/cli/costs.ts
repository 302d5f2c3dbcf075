import { toDisplay } from "../core/workspace-path.ts";
import type { CostPolicy, CostReport, GpuOffer } from "../sessions/cloud-records.ts";
import { describeUsd } from "../sessions/cost/budget.ts";
import type { SessionRecord } from "../sessions/records.ts";
import { ACCOUNT_OPTIONS, signIn } from "./account.ts";
import type { CliContext } from "./connect.ts";
import { TARGET_OPTIONS, toTarget } from "./parse-target.ts";
import { UsageError } from "./usage-error.ts";
import { parseWords, withEngine } from "./with-engine.ts";

const JSON_OPTION = { json: { type: "boolean" } } as const;
const BUDGET_OPTIONS = { ...JSON_OPTION, "per-run": { type: "string" }, "per-day": { type: "string" } } as const;
const HOUR_MS = 3_600_000;

/** `sandpiper costs`: what sandboxes have cost, and cost now. */
export async function showCosts(context: CliContext): Promise<number> {
  const { values } = parseWords(context.args, JSON_OPTION, 0);
  return await withEngine(context, async (engine, { print, printJson }) => {
    const costs = await engine.readCosts();
    const sessions = (await engine.listSessions()).filter(({ rate, state }) => rate !== undefined && state === "ready");
    if (values.json) await printJson({ ...costs, sessions });
    else for (const line of [...describeCosts(costs), ...sessions.map(describeRunning)]) await print(line);
    return 0;
  });
}

/** `sandpiper gpus`: those of a provider, with what a sandbox with one of them costs. */
export async function listGpus(context: CliContext): Promise<number> {
  const { values } = parseWords(context.args, { ...TARGET_OPTIONS, ...ACCOUNT_OPTIONS, ...JSON_OPTION }, 0);
  const target = toTarget(values, process.env);
  return await withEngine(context, async (engine, { print, printJson }) => {
    await signIn(engine, target.providerId, values, process.env);
    const offers = await engine.listGpus(target);
    for (const offer of offers) await (values.json ? printJson(offer) : print(describeOffer(offer)));
    if (offers.length === 0 && !values.json) await print(`${target.providerId} has no GPUs to pick from.`);
    return 0;
  });
}

/** `sandpiper budget`: what may be spent; changes it when told to. */
export async function manageBudget(context: CliContext): Promise<number> {
  const { values } = parseWords(context.args, BUDGET_OPTIONS, 0);
  const { "per-run": perRun, "per-day": perDay } = values;
  return await withEngine(context, async (engine, { print, printJson }) => {
    const { policy } = await engine.readCosts();
    const changed: CostPolicy = {
      ...policy,
      perRunUsd: perRun === undefined ? policy.perRunUsd : parseUsd("--per-run", perRun),
      perDayUsd: perDay === undefined ? policy.perDayUsd : parseUsd("--per-day", perDay),
    };
    if (perRun !== undefined || perDay !== undefined) await engine.setCostPolicy(changed);
    const { perRunUsd, perDayUsd } = changed;
    if (values.json) await printJson({ perRunUsd, perDayUsd });
    else await print(`A run may cost ${describeLimit(perRunUsd)}, a day ${describeLimit(perDayUsd)}.`);
    return 0;
  });
}

/** An amount in US dollars, from 0 up. @throws {UsageError} */
export function parseUsd(option: string, text: string): number {
  const amount = /^\$?(\d{1,9}(?:\.\d{1,6})?)$/.exec(text)?.[1];
  if (amount === undefined) throw new UsageError(`${option} is an amount in US dollars such as 2.50; not "${text}".`);
  return Number(amount);
}

function describeCosts({ todayUsd, monthUsd, usdPerHour, isPartial, policy }: CostReport): readonly string[] {
  const { perDayUsd } = policy;
  return [
    `Today ${describeUsd(todayUsd)}${perDayUsd > 0 ? ` of ${describeUsd(perDayUsd)}` : ""}, this month ${describeUsd(monthUsd)}, running now ${describeUsd(usdPerHour)} an hour`,
    ...(isPartial ? ["Some prices are not known: the sums are too low."] : []),
  ];
}

function describeRunning({ id, target, gpu, rate, createdAt, meteredFrom, workspaceRoot }: SessionRecord): string {
  const hours = (Date.now() - Date.parse(meteredFrom ?? createdAt)) / HOUR_MS;
  const usdPerHour = rate?.usdPerHour ?? 0;
  const cost = `${describeUsd(usdPerHour * hours)} so far, ${describeUsd(usdPerHour)} an hour`;
  return [id, target.providerId, gpu ?? "cpu", cost, toDisplay(workspaceRoot)].join("  ");
}

function describeOffer({ tier, rate, disabledBecause }: GpuOffer): string {
  const memory = tier.vramGiB === undefined ? "" : `${tier.vramGiB} GiB`;
  const price = rate ? `${describeUsd(rate.usdPerHour)} an hour` : "price unknown";
  const most = `up to ${tier.maxCount ?? 1}`;
  const parts = [tier.id.padEnd(14), memory.padEnd(8), most.padEnd(8), price.padEnd(16), disabledBecause ?? ""];
  return parts.join("  ").trimEnd();
}

function describeLimit(usd: number): string {
  return usd === 0 ? "what it likes" : `at most ${describeUsd(usd)}`;
}
