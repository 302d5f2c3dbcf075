import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { isVersioned, readJsonFile, writeJsonFile } from "../json-file.ts";
import { createLock } from "../lock.ts";
import type { CellContext } from "./cell-context.ts";

/** What cells of one file, in one language, share. */
export type ContextKey = Pick<CellContext, "path" | "language">;

/** A context as a session knows it. */
export interface KnownContext extends ContextKey {
  readonly id: string;
  count: number;
  /** How often it was restarted: a cell that is lost in between was not lost by itself. */
  restarts: number;
}

/** The contexts of one session's sandbox, by file and language; on disk for as long as they may outlive this engine. */
export class ContextBook {
  readonly #file: string;
  readonly #lock = createLock();
  readonly #contexts: KnownContext[];
  readonly #lost: ContextKey[];

  private constructor(file: string, contexts: KnownContext[], lost: ContextKey[]) {
    this.#file = file;
    this.#contexts = contexts;
    this.#lost = lost;
  }

  /**
   * Reads what an earlier engine, or an earlier sandbox of the session, had.
   * @param listIds asked, when there is something, which contexts are there still; the others count as lost
   */
  static async open(file: string, listIds: () => Promise<readonly string[]>): Promise<ContextBook> {
    const found = await readJsonFile(file, isSaved);
    if (found.kind !== "read") return new ContextBook(file, [], []);
    const { contexts, lost } = found.value;
    const ids = contexts.length > 0 ? await listIds() : [];
    const isThere = ({ id }: SavedContext): boolean => ids.includes(id);
    return new ContextBook(
      file,
      contexts.filter(isThere).map(({ id, path, language, count }) => ({ id, path, language, count, restarts: 0 })),
      [...lost, ...contexts.filter((context) => !isThere(context))].map(({ path, language }) => ({ path, language })),
    );
  }

  /** Oldest first. */
  list(): readonly CellContext[] {
    return this.#contexts.map(({ id, language, path, count }) => ({ id, language, path, count }));
  }

  find(key: ContextKey): KnownContext | undefined {
    return this.#contexts.find((context) => isSame(context, key));
  }

  findById(id: string): KnownContext | undefined {
    return this.#contexts.find((context) => context.id === id);
  }

  add(id: string, { path, language }: ContextKey): KnownContext {
    const context = { id, path, language, count: 0, restarts: 0 };
    this.#contexts.push(context);
    return context;
  }

  /** Its state is gone: {@link ContextBook.takeLoss} tells that once. */
  lose(context: KnownContext): void {
    const at = this.#contexts.indexOf(context);
    if (at === -1) return;
    this.#contexts.splice(at, 1);
    this.#lost.push(context);
  }

  /** Whether state was lost there that nobody was told of; from now on somebody was. */
  takeLoss(key: ContextKey): boolean {
    const at = this.#lost.findIndex((lost) => isSame(lost, key));
    if (at === -1) return false;
    this.#lost.splice(at, 1);
    return true;
  }

  /** Saves it as it is then, after any save that is under way. */
  async save(): Promise<void> {
    await this.#lock(async () => {
      await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
      const lost = this.#lost.map(({ path, language }) => ({ path, language }));
      await writeJsonFile(this.#file, { version: 1, contexts: this.list(), lost }, false);
    });
  }
}

interface SavedContext extends ContextKey {
  readonly id: string;
  readonly count: number;
}

interface Saved {
  readonly version: 1;
  readonly contexts: readonly SavedContext[];
  readonly lost: readonly ContextKey[];
}

function isSaved(value: unknown): value is Saved {
  if (!isVersioned(value) || value.version !== 1 || !("contexts" in value) || !("lost" in value)) return false;
  const { contexts, lost } = value;
  return Array.isArray(contexts) && contexts.every(isSavedContext) && Array.isArray(lost) && lost.every(isKey);
}

function isSavedContext(value: unknown): boolean {
  const isCounted = isKey(value) && "id" in value && "count" in value;
  return isCounted && typeof value.id === "string" && typeof value.count === "number";
}

function isKey(value: unknown): value is ContextKey {
  if (typeof value !== "object" || value === null || !("path" in value) || !("language" in value)) return false;
  return typeof value.path === "string" && typeof value.language === "string";
}

function isSame(a: ContextKey, b: ContextKey): boolean {
  return a.path === b.path && a.language === b.language;
}
