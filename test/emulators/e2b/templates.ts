import { randomInt } from "node:crypto";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Spawner } from "../shared/spawner.ts";
import { removeTree } from "../shared/trees.ts";
import { ApiError } from "./api-error.ts";
import type { Template } from "./messages.ts";

/** A template that there is from the start; the sizes are those of E2B's own when absent. */
export interface GivenTemplate {
  readonly id: string;
  readonly alias?: string;
  readonly cpuCount?: number;
  readonly memoryMB?: number;
  readonly hasInterpreter?: boolean;
}

/** What to keep of a sandbox. */
export interface NewSnapshot {
  readonly name: string | undefined;
  readonly sandboxId: string;
  readonly base: Template;
  readonly fill: (folder: string) => Promise<void>;
}

/** The account's, in names. */
const TEAM = "emulator";
const DEFAULT_TAG = ":default";
const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";
const OWN: readonly GivenTemplate[] = [
  { id: "rki5dems9wqfm4r03t7g", alias: "base" },
  { id: "nlhz8vlwyupq845jsdg9", alias: "code-interpreter-v1", hasInterpreter: true },
];

/** 20 letters and digits, like E2B's ids. */
export function newId(): string {
  return Array.from({ length: 20 }, () => LETTERS[randomInt(LETTERS.length)]).join("");
}

/** The account's templates and snapshots. */
export class Templates {
  readonly #folder: string;
  readonly #spawner: Spawner;
  readonly #templates = new Map<string, Template>();

  /** Snapshots get a folder each below `folder`. */
  constructor(folder: string, spawner: Spawner, given: readonly GivenTemplate[]) {
    this.#folder = folder;
    this.#spawner = spawner;
    for (const template of [...OWN, ...given]) this.#templates.set(template.id, toTemplate(template));
  }

  /** Oldest first. */
  list(kind: Template["kind"]): Template[] {
    return [...this.#templates.values()].filter((template) => template.kind === kind);
  }

  /** By id, alias, name, with the team's name or a tag or without. @throws ApiError 404 */
  get(word: string): Template {
    const plain = toPlain(word);
    const found = [...this.#templates.values()].find(
      ({ id, names }) => id === plain || names.some((name) => toPlain(name) === plain),
    );
    if (!found) throw new ApiError(404, `template '${word}' not found`);
    return found;
  }

  /** Keeps what `fill` puts into a folder. One of the same name is replaced. */
  async save({ name, sandboxId, base, fill }: NewSnapshot): Promise<Template> {
    const id = newId();
    const files = path.join(this.#folder, id);
    await mkdir(files, { recursive: true });
    await fill(files);
    const names = name === undefined ? [] : [`${TEAM}/${toPlain(name)}`];
    const earlier = this.list("snapshot").find((one) => names.some((own) => one.names.includes(own)));
    if (earlier) await this.delete(earlier.id);
    const snapshot = { ...base, id, names, kind: "snapshot", sandboxId, files, createdAt: new Date() } as const;
    this.#templates.set(id, snapshot);
    return snapshot;
  }

  /** @throws ApiError 404 */
  async delete(word: string): Promise<void> {
    const { id, files } = this.get(word);
    this.#templates.delete(id);
    if (files !== undefined) await removeTree(this.#spawner, files);
  }
}

/** What a snapshot is created from again: its name when it has one, and its tag. */
export function toSnapshotId({ id, names }: Template): string {
  return `${names[0] ?? id}${DEFAULT_TAG}`;
}

function toPlain(word: string): string {
  const untagged = word.endsWith(DEFAULT_TAG) ? word.slice(0, -DEFAULT_TAG.length) : word;
  return untagged.startsWith(`${TEAM}/`) ? untagged.slice(TEAM.length + 1) : untagged;
}

function toTemplate({ id, alias, cpuCount = 2, memoryMB = 512, hasInterpreter = false }: GivenTemplate): Template {
  const names = alias === undefined ? [] : [alias];
  return {
    id,
    names,
    cpuCount,
    memoryMB,
    diskSizeMB: 10_240,
    hasInterpreter,
    kind: "template",
    createdAt: new Date(0),
  };
}
