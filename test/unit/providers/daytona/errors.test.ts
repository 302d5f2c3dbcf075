import * as daytona from "@daytona/sdk";
import { describe, expect, it } from "vitest";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import { isNotFound, toSandboxError } from "../../../../src/providers/daytona/to-sandbox-error.ts";

const NO_SECRETS = { secrets: [] };
const newError = (status: number, message = "x"): Error => new daytona.DaytonaError(message, status);

describe("what Daytona's SDK throws", () => {
  it.each([
    [400, "invalid"],
    [401, "auth"],
    [402, "quota"],
    [403, "auth"],
    [404, "not-found"],
    [408, "unavailable"],
    [409, "conflict"],
    [410, "not-found"],
    [413, "invalid"],
    [418, "unavailable"],
    [422, "invalid"],
    [429, "quota"],
    [500, "unavailable"],
    [501, "unsupported"],
    [502, "unavailable"],
    [503, "unavailable"],
    [504, "unavailable"],
    [599, "unavailable"],
  ])("with status %i is told as %s", (status, code) => {
    expect(toSandboxError(newError(status), NO_SECRETS)).toMatchObject({ name: "SandboxError", code });
  });

  it.each([
    [new daytona.DaytonaConnectionError("connect ECONNREFUSED"), "unavailable", /can't be reached/],
    [new daytona.DaytonaConnectionTimeoutError("late"), "unavailable", /did not answer in time/],
    [new daytona.DaytonaTimeoutError("late"), "unavailable", /did not finish in time/],
    [new daytona.DaytonaProcessExecutionTimeoutError("late", 408), "unavailable", /in time/],
    [new daytona.DaytonaAuthenticationError("no key"), "auth", /Sign In…/],
    [new daytona.DaytonaInvalidArgumentError("no"), "invalid", /refuses a value/],
    [new daytona.DaytonaFileNotFoundError("gone", 404), "not-found", /is gone/],
    [newError(400, "No available runners"), "capacity", /no free machine/],
    [newError(400, "Total CPU limit exceeded. Maximum allowed: 10."), "quota", /reached a limit/],
    [newError(403, "Organization is suspended: credits depleted"), "quota", /billing/],
    [newError(400, "Snapshot x not found. Did you add it?"), "not-found", /no such snapshot/],
    [newError(400, "Snapshot x is inactive"), "not-found", /no such snapshot/],
    [new daytona.DaytonaError("Sandbox failed with state: build_failed"), "invalid", /could not be built/],
    [new daytona.DaytonaError("anything"), "unavailable", /Try again/],
    ["no error at all", "unavailable", /Try again/],
  ])("%s is told as %s", (cause, code, message) => {
    const told = toSandboxError(cause, NO_SECRETS);

    expect(told).toMatchObject({ name: "SandboxError", code });
    expect(told.message).toMatch(message);
  });

  it("names the GPU that there is none of", () => {
    const { message } = toSandboxError(newError(400, "No available runners"), { ...NO_SECRETS, gpu: "H100" });

    expect(message).toContain("no free H100");
  });

  it("stays what it is when it is ours", () => {
    const own = new SandboxError("blocked", "no");

    expect(toSandboxError(own, NO_SECRETS)).toBe(own);
  });

  it("shows no key, neither ours nor what looks like one, nor keeps it for logs", () => {
    const cause = newError(403, "Key own-secret, dtn_0123456789abcdef and Bearer eyJhbGciOi.eyJzdWIi.c2ln may not");

    const told = toSandboxError(cause, { secrets: ["own-secret"] });

    expect(told.message).not.toMatch(/own-secret|dtn_|eyJ/);
    expect(told.message).toContain("may not");
    expect(told.cause).toBeUndefined();
  });

  it("is kept for logs when there is nothing in it to hide", () => {
    const cause = newError(500);

    expect(toSandboxError(cause, NO_SECRETS).cause).toBe(cause);
    expect(
      toSandboxError(Object.assign(newError(500), { headers: { cookie: "1" } }), NO_SECRETS).cause,
    ).toBeUndefined();
  });

  it("tells what is not there from all else", () => {
    expect([404, 410, 400, 500].map((status) => isNotFound(newError(status)))).toEqual([true, true, false, false]);
  });
});
