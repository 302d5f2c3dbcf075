import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../../../../src/core/logger.ts";
import { CostBook } from "../../../../src/sessions/cost/cost-book.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sandpiper-costs-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function open(): Promise<CostBook> {
  const book = new CostBook(folder, silentLogger);
  await book.load(["2026-10", "2026-11"]);
  return book;
}

describe("the book of costs", () => {
  it("knows days and months again after a restart", async () => {
    const book = await open();
    await book.enter("a/1", [
      { day: "2026-10-31", usd: 1 },
      { day: "2026-11-01", usd: 2 },
    ]);
    await book.enter("b/1", [{ day: "2026-11-01", usd: 0.5 }]);

    const again = await open();
    expect(again.sum("2026-11-01")).toEqual({ usd: 2.5, isPartial: false });
    expect(again.sum("2026-10")).toEqual({ usd: 1, isPartial: false });
    expect([again.has("a/1"), again.has("a/2")]).toEqual([true, false]);
  });

  it("says that a sum is too low when a price was not known", async () => {
    const book = await open();
    await book.enter("a/1", [{ day: "2026-11-02", usd: null }]);
    expect([book.sum("2026-11"), book.sum("2026-10")]).toEqual([
      { usd: 0, isPartial: true },
      { usd: 0, isPartial: false },
    ]);
  });

  it("leaves out a line that was cut short, and loses none that comes after it", async () => {
    const book = await open();
    await book.enter("a/1", [{ day: "2026-11-01", usd: 1 }]);
    const file = join(folder, "2026-11.jsonl");
    await appendFile(file, '{"version":1,"key":"b/1","day":"2026-11-0');

    const again = await open();
    await again.enter("c/1", [{ day: "2026-11-01", usd: 4 }]);
    expect((await open()).sum("2026-11")).toEqual({ usd: 5, isPartial: false });
    expect((await readFile(file, "utf8")).split("\n").filter((line) => line.includes('"c/1"'))).toHaveLength(1);
  });

  it("counts nothing of a newer version that it cannot read", async () => {
    await appendFile(join(folder, "2026-11.jsonl"), '{"version":2,"key":"x","day":"2026-11-01","usd":9}\n');
    expect((await open()).sum("2026-11").usd).toBe(0);
  });
});
