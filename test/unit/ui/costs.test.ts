import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { showCosts } from "../../../src/ui/commands/show-costs.ts";
import { createCostMeter, todayUsd } from "../../../src/ui/cost-meter.ts";
import { costOf, describeRate, describeUsd } from "../../../src/ui/describe-cost.ts";
import { resetFake, state } from "../../fakes/vscode.ts";
import { fakeDeps, SETTINGS } from "./command-deps.ts";
import { fakeSession, TARGET } from "./fake-engine.ts";

const NOW = new Date(2026, 10, 24, 14, 0);
const RATE = { usdPerHour: 3.6, asOf: "2026-11-24" };

beforeEach(() => {
  resetFake({ ...SETTINGS });
  vi.useFakeTimers({ now: NOW, toFake: ["Date", "setTimeout", "clearTimeout"] });
});
afterEach(() => void vi.useRealTimers());

function minutesAgo(minutes: number): string {
  return new Date(NOW.getTime() - minutes * 60_000).toISOString();
}

/** A session at $3.60 an hour, which is a cent in 10 s. */
function priced(overrides: Parameters<typeof fakeSession>[0] = {}) {
  return fakeSession({ rate: RATE, createdAt: minutesAgo(60), gpu: "H100", ...overrides });
}

function setUp(...sessions: ReturnType<typeof fakeSession>[]) {
  const { store, engine } = fakeDeps();
  const meter = createCostMeter(store);
  engine.sessions = sessions;
  for (const session of sessions) store.putSession(session);
  return { store, engine, meter, item: state.statusItems[0] };
}

describe("an amount of money", () => {
  it.each([
    [0, "$0.00"],
    [0.004, "<$0.01"],
    [0.425, "$0.43"],
    [1204, "$1,204.00"],
  ])("%d is %s", (usd, text) => expect(describeUsd(usd)).toBe(text));

  it.each([
    [3.95, "$3.95/h"],
    [0.0954, "$0.095/h"],
  ])("%d an hour is %s", (usd, text) => expect(describeRate(usd)).toBe(text));

  it("is what a session has cost until now, or until its end", () => {
    expect(costOf(priced())).toBeCloseTo(3.6);
    expect(costOf(priced({ endedAt: minutesAgo(30) }))).toBeCloseTo(1.8);
    expect(costOf(priced({ meteredFrom: minutesAgo(10) }))).toBeCloseTo(0.6);
    expect(costOf(priced({ expiresAt: minutesAgo(50) }))).toBeCloseTo(0.6);
    expect(costOf(fakeSession())).toBeUndefined();
  });
});

describe("today's total", () => {
  const report = { at: minutesAgo(30), todayUsd: 2, monthUsd: 20, usdPerHour: 3.6, isPartial: false };
  const policy = { perRunUsd: 0, perDayUsd: 0, prices: {} };

  it("goes on with what runs since it was reported", () => {
    expect(todayUsd({ ...report, policy })).toBeCloseTo(3.8);
  });

  it("begins anew at midnight", () => {
    const yesterday = new Date(2026, 10, 23, 22, 0).toISOString();

    expect(todayUsd({ ...report, at: yesterday, policy })).toBeCloseTo(14 * 3.6);
  });
});

describe("the cost meter", () => {
  it("is not there, and waits for nothing, while nothing costs anything", () => {
    const { item } = setUp(
      fakeSession(),
      priced({ id: "ended", state: "ended" }),
      priced({ id: "p", state: "paused" }),
    );

    expect(item?.isShown).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("says what the sandboxes that run have cost and cost, with each in its tooltip", async () => {
    const { item, store, engine } = setUp(
      priced(),
      priced({ id: "two", name: "other", rate: { ...RATE, usdPerHour: 0.35 } }),
    );
    engine.costs = {
      ...engine.costs,
      at: NOW.toISOString(),
      todayUsd: 4.2,
      monthUsd: 61,
      policy: { perRunUsd: 0, perDayUsd: 5, prices: {} },
    };
    await store.loadCosts();
    await vi.advanceTimersByTimeAsync(1_000);

    expect(item?.isShown).toBe(true);
    expect(item?.text).toBe("$(dashboard) $3.95 · $3.95/h");
    expect(item?.tooltip?.split("\n")).toEqual([
      "Sandboxes that run now: $3.95 · $3.95/h",
      "Today: $4.20 of $5.00",
      "This month: $61.00",
      "ws: H100 · $3.60 · $3.60/h",
      "other: H100 · $0.35 · $0.35/h",
    ]);
  });

  it("runs: it is drawn anew when the next cent is reached, and not before", async () => {
    const { item } = setUp(priced({ createdAt: new Date(NOW.getTime() - 5_000).toISOString() }));
    expect(item?.text).toBe("$(dashboard) <$0.01 · $3.60/h");

    await vi.advanceTimersByTimeAsync(4_900);
    expect(item?.text).toContain("<$0.01");
    await vi.advanceTimersByTimeAsync(200);
    expect(item?.text).toContain("$0.01 ·");
  });

  it("is drawn at most once a second, however dear the sandboxes are", async () => {
    let drawn = 0;
    const { store, item } = setUp();
    Object.defineProperty(item, "text", {
      set: () => {
        drawn += 1;
      },
    });
    for (let index = 0; index < 50; index++) {
      store.putSession(priced({ id: `s-${index}`, rate: { ...RATE, usdPerHour: 4_000 } }));
      await vi.advanceTimersByTimeAsync(70);
    }

    expect(drawn).toBe(4);
  });

  it("goes when the last sandbox ends, and waits for nothing then", async () => {
    const { store, item } = setUp(priced());
    store.putSession(priced({ state: "ended" }));
    await vi.advanceTimersByTimeAsync(2_000);

    expect(item?.isShown).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("Show Costs", () => {
  it("lists today, the month, what is missing and what runs, and offers to end a session", async () => {
    const { deps, engine } = fakeDeps();
    const session = priced({ target: { ...TARGET, gpu: "H100" } });
    engine.sessions = [session, fakeSession({ id: "free" })];
    const policy = { perRunUsd: 2, perDayUsd: 0, prices: {} };
    engine.costs = { ...engine.costs, at: NOW.toISOString(), todayUsd: 4.2, monthUsd: 61, isPartial: true, policy };
    state.picks = ["ws"];
    await showCosts(deps);

    expect(state.asked[0]?.labels).toEqual([
      "Today: $4.20",
      "This month: $61.00",
      "Budget of a run: $2.00",
      "Some prices are unknown: the sums are too low.",
      "Running now: $3.60 so far, $3.60/h",
      "ws",
      "Settings",
      "Set a Budget…",
      "Change Prices…",
    ]);
    expect(state.executed).toEqual([{ command: "sandpiper.destroySession", args: [{ kind: "session", session }] }]);
  });

  it("leads from what is missing to the prices", async () => {
    const { deps, engine } = fakeDeps();
    engine.costs = { ...engine.costs, isPartial: true };
    state.picks = ["Some prices are unknown: the sums are too low."];
    await showCosts(deps);

    expect(state.executed).toEqual([{ command: "workbench.action.openSettings", args: ["sandpiper.prices"] }]);
  });
});
