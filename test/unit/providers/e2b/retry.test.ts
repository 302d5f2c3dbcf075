import { RateLimitError, SandboxError as SdkError, ServiceBusyError } from "@e2b/code-interpreter";
import { describe, expect, it } from "vitest";
import { silentLogger } from "../../../../src/core/logger.ts";
import { withRetries } from "../../../../src/providers/e2b/retry.ts";

const newCall = (signal = new AbortController().signal) => ({ signal, logger: silentLogger });

/** Fails so many times, then succeeds. */
function newWork(failures: readonly Error[]) {
  const left = [...failures];
  const counted = { attempts: 0, work: async (): Promise<string> => "" };
  counted.work = async () => {
    counted.attempts++;
    const failure = left.shift();
    if (failure) throw failure;
    return "done";
  };
  return counted;
}

async function failToLook(): Promise<void> {
  throw new Error("could not look for what is left");
}

describe("asking again", () => {
  it.each([new RateLimitError("x"), new ServiceBusyError("x"), new TypeError("fetch failed")])(
    "helps against %s",
    async (failure) => {
      const counted = newWork([failure, failure]);

      expect(await withRetries(newCall(), counted.work, { pauseMs: 1 })).toBe("done");
      expect(counted.attempts).toBe(3);
    },
  );

  it("ends after three attempts", async () => {
    const counted = newWork(Array.from({ length: 9 }, () => new ServiceBusyError("x")));

    await expect(withRetries(newCall(), counted.work, { pauseMs: 1 })).rejects.toThrow(ServiceBusyError);
    expect(counted.attempts).toBe(3);
  });

  it.each([
    new SdkError("x"),
    Object.assign(new SdkError("500: x"), { statusCode: 500 }),
    new RateLimitError("the maximum number of concurrent E2B sandboxes (20)"),
    new TypeError("undefined is not a function"),
  ])("is no use against %s", async (failure) => {
    const counted = newWork([failure]);

    await expect(withRetries(newCall(), counted.work, { pauseMs: 1 })).rejects.toBe(failure);
    expect(counted.attempts).toBe(1);
  });

  it("does not follow once the caller gave up", async () => {
    const controller = new AbortController();
    const failure = new ServiceBusyError("x");
    const counted = newWork([failure]);
    controller.abort();

    await expect(withRetries(newCall(controller.signal), counted.work)).rejects.toBe(failure);
    expect(counted.attempts).toBe(1);
  });

  it("does not follow when what is to be done before it fails", async () => {
    const failure = new TypeError("fetch failed");
    const counted = newWork([failure]);
    await expect(withRetries(newCall(), counted.work, { beforeRetry: failToLook })).rejects.toBe(failure);
    expect(counted.attempts).toBe(1);
  });
});
