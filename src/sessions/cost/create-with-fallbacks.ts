import type { Call } from "../../core/call.ts";
import type { Progress, Provider, SandboxSpec } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { Machine, Sandbox } from "../../core/sandbox.ts";
import { type Clock, toIsoTime } from "../clock.ts";
import type { Rate } from "../cloud-records.ts";
import type { SessionRecord, Target } from "../records.ts";
import { NO_GPU } from "./no-gpu.ts";
import { isFree, parseGpu } from "./rate.ts";

/** What sandboxes cost, for whoever makes them. */
export interface Pricing {
  /** What one with that GPU will cost, as far as is known before. @throws {SandboxError} `blocked` when it may not be started */
  readonly admit: (target: Target, gpu: string | undefined, sessionId: string) => Promise<Rate | undefined>;
  /** What one costs that got this. */
  readonly toRate: (target: Target, gpu: string | undefined, machine: Machine) => Rate | undefined;
}

/** A sandbox, and what its session's record says of it. */
interface Created {
  readonly sandbox: Sandbox;
  readonly facts: Pick<SessionRecord, "gpu" | "rate" | "meteredFrom" | "startNotes">;
}

/** Creates the sandbox with the target's GPU or, while the provider has none of that kind free, with the next of its fall-backs. */
export async function createWithFallbacks(
  { provider, pricing, clock }: { readonly provider: Provider; readonly pricing: Pricing; readonly clock: Clock },
  { record, spec }: { readonly record: SessionRecord; readonly spec: SandboxSpec },
  call: Call,
  progress: Progress,
): Promise<Created> {
  const { target, id } = record;
  const wishes = toWishes(target);
  await checkGpus(provider, wishes, call);
  const missing: string[] = [];
  for (const [index, gpu] of wishes.entries()) {
    try {
      const expected = await pricing.admit(target, gpu, id);
      const startedAt = toIsoTime(clock);
      const sandbox = await provider.create(withGpu(spec, gpu), call, progress);
      const rate = sandbox.machine ? pricing.toRate(target, gpu, sandbox.machine) : expected;
      return { sandbox, facts: toFacts({ gpu, rate, missing, provider, startedAt, target }) };
    } catch (error) {
      const next = wishes[index + 1];
      if (!(error instanceof SandboxError && error.code === "capacity") || next === undefined) throw error;
      missing.push(describeGpu(gpu));
      progress(`No ${describeGpu(gpu)} is free at ${provider.title} now; trying ${describeGpu(next)}`);
    }
  }
  throw new SandboxError("capacity", "No GPU of the list is free now. Try again later.");
}

function toWishes({ gpu, gpuFallbacks = [] }: Target): readonly [string | undefined, ...string[]] {
  return gpu === undefined ? [undefined] : [gpu, ...gpuFallbacks];
}

function withGpu(spec: SandboxSpec, gpu: string | undefined): SandboxSpec {
  const { gpu: _gpu, ...rest } = spec;
  return gpu === undefined || gpu === NO_GPU ? rest : { ...rest, gpu };
}

interface Outcome {
  readonly gpu: string | undefined;
  readonly rate: Rate | undefined;
  readonly missing: readonly string[];
  readonly provider: Provider;
  readonly startedAt: string;
  readonly target: Target;
}

const NO_PRICE =
  "What this sandbox costs is not known, so it does not count. Its price can be set in sandpiper.prices.";

function toFacts({ gpu, rate, missing, provider, startedAt, target }: Outcome): Created["facts"] {
  const fallback = `No ${missing.join(" and no ")} is free at ${provider.title} now; got ${describeGpu(gpu)}.`;
  const notes = [
    ...(missing.length === 0 ? [] : [fallback]),
    ...(rate === undefined && !isFree(target.providerId) ? [NO_PRICE] : []),
  ];
  return {
    ...(gpu === undefined ? {} : { gpu }),
    ...(rate === undefined ? {} : { rate }),
    // Nobody pays for waiting in vain.
    ...(missing.length === 0 ? {} : { meteredFrom: startedAt }),
    ...(notes.length === 0 ? {} : { startNotes: notes }),
  };
}

function describeGpu(gpu: string | undefined): string {
  return gpu === undefined || gpu === NO_GPU ? "sandbox without a GPU" : gpu;
}

/** @throws {SandboxError} `invalid` with what there is, before anything is made */
async function checkGpus(provider: Provider, wishes: readonly (string | undefined)[], call: Call): Promise<void> {
  const wanted = wishes.filter((gpu) => gpu !== undefined && gpu !== NO_GPU).map((gpu) => parseGpu(gpu ?? ""));
  if (wanted.length === 0) return;
  const tiers = await provider.gpuTiers(call);
  // The provider has words of its own for having none.
  if (tiers.length === 0) return;
  for (const { id, count } of wanted) {
    const tier = tiers.find((each) => each.id === id);
    const names = tiers.map((each) => each.id).join(", ");
    if (!tier)
      throw new SandboxError("invalid", `${provider.title} has no GPU "${id}". Choose one of: ${names}, ${NO_GPU}.`);
    const most = tier.maxCount ?? 1;
    if (count > most)
      throw new SandboxError(
        "invalid",
        `A sandbox at ${provider.title} can have at most ${most} ${tier.id}; not ${count}.`,
      );
  }
}
