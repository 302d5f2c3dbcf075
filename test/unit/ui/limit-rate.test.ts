import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { limitRate } from "../../../src/ui/limit-rate.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("limitRate", () => {
  it("works at once the first time, and once for all that was asked for too early", () => {
    const work = vi.fn<() => void>();
    const limit = limitRate(work, 250);
    for (let time = 0; time < 10; time++) limit.request();
    expect(work).toHaveBeenCalledTimes(1);

    vi.advanceTimersByTime(249);
    expect(work).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1);
    expect(work).toHaveBeenCalledTimes(2);
  });

  it("waits for nothing when nobody asks", () => {
    const limit = limitRate(() => undefined, 250);
    limit.request();
    vi.advanceTimersByTime(500);

    expect(vi.getTimerCount()).toBe(0);
  });

  it("does nothing more once it is disposed of", () => {
    const work = vi.fn<() => void>();
    const limit = limitRate(work, 250);
    limit.request();
    limit.request();
    limit.dispose();
    limit.request();
    vi.advanceTimersByTime(500);

    expect(work).toHaveBeenCalledTimes(1);
  });
});
