import type { ImageOffer, ProviderId } from "../core/provider.ts";
import { toDisplay } from "../core/workspace-path.ts";
import { describeUsd } from "../sessions/cost/budget.ts";
import type { Rate } from "../sessions/cloud-records.ts";
import { isFree } from "../sessions/cost/rate.ts";
import { ACCOUNT_OPTIONS, signIn } from "./account.ts";
import type { CliContext } from "./connect.ts";
import { findSession, WHICH } from "./find-record.ts";
import { TARGET_OPTIONS, toTarget } from "./parse-target.ts";
import { parseWords, withEngine } from "./with-engine.ts";

const OPTIONS = { ...ACCOUNT_OPTIONS, json: { type: "boolean" } } as const;

/** `sandpiper image`: keeps a sandbox's file system; prints what `--image` takes. */
export async function saveImage(context: CliContext): Promise<number> {
  const { words, values } = parseWords(context.args, OPTIONS, 1, WHICH);
  return await withEngine(context, async (engine, { print, printJson }) => {
    const { id, target } = await findSession(engine, words[0] ?? "");
    await signIn(engine, target.providerId, values, process.env);
    const image = await engine.saveImage(id);
    await (values.json ? printJson(image) : print(image.id));
    return 0;
  });
}

/** `sandpiper images`: what sandboxes of a provider can start from, its default first, and what one of each costs. */
export async function listImages(context: CliContext): Promise<number> {
  const { values } = parseWords(context.args, { ...TARGET_OPTIONS, ...OPTIONS }, 0);
  const target = toTarget(values, process.env);
  return await withEngine(context, async (engine, { print, printJson }) => {
    await signIn(engine, target.providerId, values, process.env);
    const offers = await engine.listImages(target);
    for (const offer of offers) {
      const rate = offer.cpus === undefined ? undefined : await engine.estimateRate({ ...target, image: offer.id });
      await (values.json
        ? printJson({ ...offer, ...(rate ? { rate } : {}) })
        : print(describeOffer(target.providerId, offer, rate)));
    }
    if (offers.length === 0 && !values.json)
      await print(`${target.providerId} takes any image of a registry, or none.`);
    return 0;
  });
}

function describeOffer(providerId: ProviderId, { id, title, cpus, memoryMiB }: ImageOffer, rate?: Rate): string {
  const size = cpus === undefined || memoryMiB === undefined ? "size unknown" : `${cpus} CPUs, ${memoryMiB} MiB`;
  const price = rate ? `${describeUsd(rate.usdPerHour)} an hour` : isFree(providerId) ? "" : "price unknown";
  const name = title === id ? "" : toDisplay(title);
  return [toDisplay(id).padEnd(28), size.padEnd(18), price.padEnd(16), name].join("  ").trimEnd();
}
