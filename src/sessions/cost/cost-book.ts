import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../../core/logger.ts";
import { toMessage } from "../../core/sandbox-error.ts";
import { isMissing, isVersioned } from "../json-file.ts";
import { createLock } from "../lock.ts";
import { toMonth } from "./split-days.ts";

/** A line of the book: what one sandbox cost on one day. */
interface Entry {
  readonly version: 1;
  /** Of the interval that it is a part of; an interval is entered once. */
  readonly key: string;
  readonly day: string;
  /** US dollars; null when its price was not known. */
  readonly usd: number | null;
}

/** What was spent in some time. */
interface Sum {
  readonly usd: number;
  /** Something in it had no known price. */
  readonly isPartial: boolean;
}

/**
 * What sandboxes have cost, of those whose time is over: a file per month, `costs/2026-11.jsonl`, a line per sandbox and
 * day, only ever appended to. A last line that was cut short is left out.
 */
export class CostBook {
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #lock = createLock();
  readonly #entries: Entry[] = [];
  readonly #keys = new Set<string>();

  /** @param folder made when missing */
  constructor(folder: string, logger: Logger) {
    this.#folder = folder;
    this.#logger = logger;
  }

  /** Reads these months; what is in others is not known then. */
  async load(months: readonly string[]): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    for (const month of months) for (const entry of await this.#readMonth(month)) this.#take(entry);
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** Counts at once; on disk when this resolves. Never rejects. */
  async enter(key: string, days: readonly Pick<Entry, "day" | "usd">[]): Promise<void> {
    const entries = days.map(({ day, usd }): Entry => ({ version: 1, key, day, usd }));
    for (const entry of entries) this.#take(entry);
    const text = (entry: Entry): string => `${JSON.stringify(entry)}\n`;
    try {
      await this.#lock(async () => {
        for (const entry of entries) await appendFile(this.#toFile(toMonth(entry.day)), text(entry), { mode: 0o600 });
      });
    } catch (error) {
      this.#logger.error(`What a sandbox cost could not be written down: ${toMessage(error)}`);
    }
  }

  /** @param prefix of days: a day or a month */
  sum(prefix: string): Sum {
    const within = this.#entries.filter(({ day }) => day.startsWith(prefix));
    return {
      usd: within.reduce((usd, entry) => usd + (entry.usd ?? 0), 0),
      isPartial: within.some(({ usd }) => usd === null),
    };
  }

  /** Resolves once all is on disk. */
  async flush(): Promise<void> {
    await this.#lock(async () => undefined);
  }

  #take(entry: Entry): void {
    this.#entries.push(entry);
    this.#keys.add(entry.key);
  }

  #toFile(month: string): string {
    return join(this.#folder, `${month}.jsonl`);
  }

  async #readMonth(month: string): Promise<readonly Entry[]> {
    const file = this.#toFile(month);
    try {
      const text = await readFile(file, "utf8");
      // Whatever is appended next must not be glued to a line that was cut short.
      if (text !== "" && !text.endsWith("\n")) await appendFile(file, "\n");
      return text.split("\n").flatMap((line) => this.#parse(line, file));
    } catch (error) {
      if (!isMissing(error)) this.#logger.error(`Costs could not be read: ${toMessage(error)}`);
      return [];
    }
  }

  #parse(line: string, file: string): readonly Entry[] {
    if (line === "") return [];
    const entry = parseJson(line);
    if (isEntry(entry)) return [entry];
    this.#logger.warn(`${file} has a line that was cut short or is of a newer version; it is not counted.`);
    return [];
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isEntry(value: unknown): value is Entry {
  return (
    isVersioned(value) &&
    value.version === 1 &&
    "key" in value &&
    typeof value.key === "string" &&
    "day" in value &&
    typeof value.day === "string" &&
    /^\d{4}-\d\d-\d\d$/.test(value.day) &&
    "usd" in value &&
    (value.usd === null || typeof value.usd === "number")
  );
}
