import type { SandboxSpec } from "../../core/provider.ts";

const MARK = "sandpiper.sandbox";
const NAME = "sandpiper.name";
const EXPIRES = "sandpiper.expires";
const MEMORY = "sandpiper.memory";
const DISK = "sandpiper.disk";
const ABILITIES = "sandpiper.abilities";
const CREATION = "sandpiper.creation";
const LABEL_PREFIX = "label.";

/** What finds our sandboxes among those of an app. */
export const OUR_TAGS: Readonly<Record<string, string>> = { [MARK]: "1" };

/** What finds the sandbox of one call of `create`, whose answer may have been lost. */
export function toCreationTags(creation: string): Readonly<Record<string, string>> {
  return { [CREATION]: creation };
}

/** Facts about a sandbox that are needed where only its id is known. */
export interface SandboxFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly expiresAt: Date;
  readonly memoryMiB: number;
  readonly diskMiB: number;
  /** Tells the call that made it from all others. */
  readonly creation: string;
  /** Whether it was made so that its memory can be saved. */
  readonly canPause: boolean;
}

/** Modal documents no limits for tags; ours are a few, of at most 69 characters of [A-Za-z0-9._-] on both sides. */
export function toTags(facts: SandboxFacts): Record<string, string> {
  const labels = Object.entries(facts.labels).map(([key, value]) => [LABEL_PREFIX + key, value]);
  return {
    ...Object.fromEntries(labels),
    ...OUR_TAGS,
    ...toCreationTags(facts.creation),
    [NAME]: facts.name,
    [EXPIRES]: String(facts.expiresAt.getTime()),
    [MEMORY]: String(facts.memoryMiB),
    [DISK]: String(facts.diskMiB),
    [ABILITIES]: facts.canPause ? "pause" : "none",
  };
}

/** The other way round; undefined when the sandbox is none of ours. */
export function readTags(tags: Readonly<Record<string, string>>): SandboxFacts | undefined {
  const expiresAt = new Date(Number(tags[EXPIRES] ?? Number.NaN));
  if (tags[MARK] !== "1" || Number.isNaN(expiresAt.getTime())) return undefined;
  const labels = Object.entries(tags).filter(([key]) => key.startsWith(LABEL_PREFIX));
  return {
    name: tags[NAME] ?? "",
    creation: tags[CREATION] ?? "",
    labels: Object.fromEntries(labels.map(([key, value]) => [key.slice(LABEL_PREFIX.length), value])),
    expiresAt,
    memoryMiB: Number(tags[MEMORY] ?? 0),
    diskMiB: Number(tags[DISK] ?? 0),
    canPause: tags[ABILITIES] === "pause",
  };
}

/** What a spec says about the sandbox that is made from it at `now`. */
export function toFacts(
  spec: SandboxSpec,
  now: number,
  { creation, canPause }: Pick<SandboxFacts, "creation" | "canPause">,
): SandboxFacts {
  const { name, labels, memoryMiB, diskMiB } = spec;
  return { name, labels, memoryMiB, diskMiB, creation, canPause, expiresAt: new Date(now + toLifetimeMs(spec)) };
}

/** Modal takes whole seconds. */
export function toLifetimeMs({ lifetimeMs }: Pick<SandboxSpec, "lifetimeMs">): number {
  return Math.ceil(lifetimeMs / 1000) * 1000;
}
