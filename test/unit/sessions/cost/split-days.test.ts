import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextMidnight, splitDays, toDay } from "../../../../src/sessions/cost/split-days.ts";

const MOMENT = fc.date({ min: new Date("2024-01-01"), max: new Date("2028-01-01"), noInvalidDate: true });
const DAY_MS = 86_400_000;

describe("an interval split by days", () => {
  it("is as long as its parts together, each of which is of its day", () => {
    fc.assert(
      fc.property(MOMENT, fc.integer({ min: 0, max: 40 * DAY_MS }), (start, lengthMs) => {
        const from = start.getTime();
        const parts = splitDays(from, from + lengthMs);
        expect(parts.reduce((sum, { ms }) => sum + ms, 0)).toBe(lengthMs);
        let at = from;
        for (const { day, ms } of parts) {
          expect([toDay(at), toDay(at + ms - 1)]).toEqual([day, day]);
          at += ms;
        }
      }),
    );
  });

  it("has one part within a day and two over a midnight", () => {
    const noon = new Date(2026, 10, 24, 12).getTime();
    expect(splitDays(noon, noon + 3_600_000)).toEqual([{ day: "2026-11-24", ms: 3_600_000 }]);
    expect(splitDays(noon, noon + DAY_MS).map(({ day }) => day)).toEqual(["2026-11-24", "2026-11-25"]);
  });

  it("ends days at midnight of the calendar here, on days that are longer or shorter too", () => {
    fc.assert(
      fc.property(MOMENT, (moment) => {
        const next = new Date(nextMidnight(moment.getTime()));
        expect([next.getHours(), next.getMinutes(), next.getSeconds(), next.getMilliseconds()]).toEqual([0, 0, 0, 0]);
        expect(next.getTime()).toBeGreaterThan(moment.getTime());
      }),
    );
  });
});
