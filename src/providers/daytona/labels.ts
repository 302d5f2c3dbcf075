import type { SandboxSpec } from "../../core/provider.ts";

const MARK = "sandpiper.sandbox";
const NAME = "sandpiper.name";
const EXPIRES = "sandpiper.expires";
const DISK = "sandpiper.disk";
const PROCESSES = "sandpiper.processes";
const PAUSED = "sandpiper.paused";
const LABEL_PREFIX = "label.";

/** What finds our sandboxes among those of an account. */
export const OUR_LABELS: Readonly<Record<string, string>> = { [MARK]: "1" };

/** Facts about a sandbox that are needed where only its id is known. */
export interface SandboxFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly expiresAt: Date;
  readonly diskMiB: number;
  readonly maxProcesses: number;
  /** Whether somebody means to go on with it: then it is none of those that run. */
  readonly isPaused: boolean;
}

/** What Daytona keeps with a sandbox. */
export function toLabels(facts: SandboxFacts): Record<string, string> {
  const labels = Object.entries(facts.labels).map(([key, value]) => [LABEL_PREFIX + key, value]);
  return {
    ...Object.fromEntries(labels),
    ...OUR_LABELS,
    [NAME]: facts.name,
    [EXPIRES]: String(facts.expiresAt.getTime()),
    [DISK]: String(facts.diskMiB),
    [PROCESSES]: String(facts.maxProcesses),
    [PAUSED]: facts.isPaused ? "1" : "0",
  };
}

/** The other way round; undefined when the sandbox is none of ours. */
export function readLabels(labels: Readonly<Record<string, string>>): SandboxFacts | undefined {
  const expiresAt = new Date(Number(labels[EXPIRES] ?? Number.NaN));
  if (labels[MARK] !== "1" || Number.isNaN(expiresAt.getTime())) return undefined;
  const own = Object.entries(labels).filter(([key]) => key.startsWith(LABEL_PREFIX));
  return {
    name: labels[NAME] ?? "",
    labels: Object.fromEntries(own.map(([key, value]) => [key.slice(LABEL_PREFIX.length), value])),
    expiresAt,
    diskMiB: Number(labels[DISK] ?? 0),
    maxProcesses: Number(labels[PROCESSES] ?? 0),
    isPaused: labels[PAUSED] === "1",
  };
}

/** What a spec says about the sandbox whose time begins at `now`. */
export function toFacts(spec: SandboxSpec, now: number): SandboxFacts {
  const { name, labels, diskMiB, maxProcesses, lifetimeMs } = spec;
  return { name, labels, diskMiB, maxProcesses, expiresAt: new Date(now + lifetimeMs), isPaused: false };
}
