import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { describeAge, describeDay, describeMoment, describeTime } from "../../../src/ui/describe-time.ts";

// A Tuesday, in whatever zone the tests run.
const NOW = new Date(2026, 10, 24, 14, 3);

beforeEach(() => void vi.useFakeTimers({ now: NOW, toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

function ago(minutes: number): string {
  return new Date(NOW.getTime() - minutes * 60_000).toISOString();
}

const DAY = 24 * 60;
/** In the words of this machine's language. */
const date = (minutes: number) => new Date(ago(minutes)).toLocaleDateString();
const clock = (minutes: number) =>
  new Date(ago(minutes)).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
const tuesday = NOW.toLocaleDateString([], { weekday: "long" });
const sunday = { weekday: "long", year: "numeric", month: "long", day: "numeric" } as const;

describe("a time", () => {
  it.each([
    [0, "now"],
    [1, "1 min ago"],
    [59, "59 min ago"],
    [61, "1 h ago"],
    [23 * 60, "23 h ago"],
    [3 * DAY, date(3 * DAY)],
  ])("%d minutes ago is as old as: %s", (minutes, text) => {
    expect(describeAge(ago(minutes))).toBe(text);
  });

  it("is told by the clock on its day and by the date later", () => {
    expect(describeTime(ago(3))).toBe(clock(3));
    expect(describeTime(ago(DAY))).toBe(date(DAY));
  });

  it("is a moment with its day in the week that it is in, and with its date later", () => {
    expect(describeMoment(ago(0))).toBe(`${tuesday} ${clock(0)}`);
    expect(describeMoment(ago(10 * DAY))).toBe(`${date(10 * DAY)} ${clock(10 * DAY)}`);
  });

  it("belongs to a day", () => {
    expect([0, DAY, 2 * DAY].map((minutes) => describeDay(ago(minutes)))).toEqual([
      "Today",
      "Yesterday",
      new Date(ago(2 * DAY)).toLocaleDateString([], sunday),
    ]);
  });
});
