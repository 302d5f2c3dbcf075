import { expect, it } from "vitest";
import { silentLogger } from "../../../../src/core/logger.ts";
import { CostBook } from "../../../../src/sessions/cost/cost-book.ts";
import { CostMeter } from "../../../../src/sessions/cost/cost-meter.ts";
import { toDay } from "../../../../src/sessions/cost/split-days.ts";
import { DEFAULT_TARGET } from "../../../../src/sessions/default-target.ts";
import { FakeClock } from "../../../fakes/fake-clock.ts";

const HOUR_MS = 3_600_000;

it("a sandbox whose end nobody saw costs no more than the time that it was given", () => {
  const start = new Date(2026, 10, 24, 9).getTime();
  const clock = new FakeClock(start);
  const meter = new CostMeter(new CostBook("/nonexistent", silentLogger), clock);
  meter.note({
    version: 1,
    id: "s",
    name: "s",
    workspaceRoot: "/ws",
    target: { ...DEFAULT_TARGET, providerId: "modal" },
    boundary: "gvisor",
    sandboxId: "sb-1",
    state: "ready",
    createdAt: new Date(start).toISOString(),
    expiresAt: new Date(start + 2 * HOUR_MS).toISOString(),
    lastUsedAt: new Date(start).toISOString(),
    rate: { usdPerHour: 1, asOf: "2026-01-01" },
  });

  clock.advance(HOUR_MS);
  expect(meter.sumRunning(toDay(start))).toBeCloseTo(1, 6);
  clock.advance(5 * HOUR_MS);
  expect(meter.sumRunning(toDay(start))).toBeCloseTo(2, 6);
});
