import type { SandboxSpec } from "../../core/provider.ts";

const MARK = "sandpiper.sandbox";
const NAME = "sandpiper.name";
const CREATION = "sandpiper.creation";
const DISK = "sandpiper.disk";
const LABEL_PREFIX = "label.";

/** What finds our sandboxes among those of an account. */
export const OUR_METADATA: Readonly<Record<string, string>> = { [MARK]: "1" };

/** What finds the sandbox of one call of `create`, whose answer may have been lost. */
export function toCreationMetadata(creation: string): Record<string, string> {
  return { [CREATION]: creation };
}

/** Facts about a sandbox that are needed where only its id is known; they can't be changed once it is made. */
export interface SandboxFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Tells the call that made it from all others. */
  readonly creation: string;
  readonly diskMiB: number;
}

export function toMetadata({ name, labels, creation, diskMiB }: SandboxFacts): Record<string, string> {
  const prefixed = Object.entries(labels).map(([key, value]) => [LABEL_PREFIX + key, value]);
  return {
    ...Object.fromEntries(prefixed),
    ...OUR_METADATA,
    ...toCreationMetadata(creation),
    [NAME]: name,
    [DISK]: String(diskMiB),
  };
}

/** The other way round; undefined when the sandbox is none of ours. */
export function readMetadata(metadata: Readonly<Record<string, string>>): SandboxFacts | undefined {
  if (metadata[MARK] !== "1") return undefined;
  const labels = Object.entries(metadata).filter(([key]) => key.startsWith(LABEL_PREFIX));
  return {
    name: metadata[NAME] ?? "",
    labels: Object.fromEntries(labels.map(([key, value]) => [key.slice(LABEL_PREFIX.length), value])),
    creation: metadata[CREATION] ?? "",
    diskMiB: Number(metadata[DISK] ?? 0),
  };
}

/** What a spec says about the sandbox that is made from it. */
export function toFacts({ name, labels, diskMiB }: SandboxSpec, creation: string): SandboxFacts {
  return { name, labels, creation, diskMiB };
}
