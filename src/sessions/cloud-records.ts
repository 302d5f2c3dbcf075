import type { GpuTier, ProviderId } from "../core/provider.ts";

/** What a sandbox costs while it lives. */
export interface Rate {
  readonly usdPerHour: number;
  /** When the prices that it was made from were looked up, as a date: "2026-11-24". */
  readonly asOf: string;
}

/** A GPU that can be picked, or why it cannot. */
export interface GpuOffer {
  readonly tier: GpuTier;
  /** Of a sandbox as the target describes it with one such GPU; missing when a price is not known. */
  readonly rate?: Rate;
  /** For people. */
  readonly disabledBecause?: string;
}

/** What may be spent and what things cost; 0 is no limit. Money is in US dollars. */
export interface CostPolicy {
  /** A run that reaches it is ended, with its sandbox, after a snapshot. */
  readonly perRunUsd: number;
  /** Of one calendar day here: no sandbox is started that would pass it, and those that run are ended at it. */
  readonly perDayUsd: number;
  /** By name of a price ("modal/gpu/H100", "modal/cpu"), in its own unit; laid over the built-in ones. */
  readonly prices: Readonly<Record<string, number>>;
}

/** What sandboxes have cost and cost now. */
export interface CostReport {
  /** ISO 8601: the figures are of this moment. */
  readonly at: string;
  readonly todayUsd: number;
  readonly monthUsd: number;
  /** Of what is running now. */
  readonly usdPerHour: number;
  /** Some sandboxes of the month have no known price: the sums are too low. */
  readonly isPartial: boolean;
  readonly policy: CostPolicy;
}

/** How a batch is to run. */
export interface BatchPlan {
  /** How many sandboxes, each with one run of the same command. */
  readonly count: number;
  /** How many at once; the provider's limit when left out or higher. */
  readonly concurrency?: number;
}

/** One command in many sandboxes. Its runs carry its id; they tell how each went. */
export interface BatchRecord {
  readonly version: 1;
  readonly id: string;
  readonly title: string;
  readonly workspaceRoot: string;
  readonly providerId: ProviderId;
  readonly snapshotId: string;
  readonly count: number;
  readonly concurrency: number;
  readonly state: "running" | "stopping" | "ended";
  /** Not started yet, going on, ended with code 0, ended otherwise. */
  readonly queued: number;
  readonly active: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Of those that have ended and whose price is known. */
  readonly costUsd: number;
  readonly requestedAt: string;
  readonly endedAt?: string;
  /** Why not all of them ran, for people. */
  readonly error?: string;
}

/** A sandbox's file system, kept by its provider; a target can name `id` as its image. */
export interface SavedImage {
  readonly id: string;
  readonly providerId: ProviderId;
  readonly expiresAt?: string;
}
