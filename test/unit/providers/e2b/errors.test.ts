import * as e2b from "@e2b/code-interpreter";
import { describe, expect, it } from "vitest";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import {
  isConnectionError,
  isNotFound,
  scrub,
  toSandboxError,
} from "../../../../src/providers/e2b/to-sandbox-error.ts";

/** What the SDK makes of an answer of the API with that status. */
function newApiError(statusCode: number, message = "x"): Error {
  return Object.assign(new e2b.SandboxError(`${statusCode}: ${message}`), { statusCode });
}

/** As the SDK's library for the sandbox's own service throws them. */
function newConnectError(code: number, message = "x"): Error {
  return Object.assign(new Error(message), { name: "ConnectError", code });
}

describe("what E2B's SDK throws", () => {
  it.each([
    [new e2b.AuthenticationError("x"), "auth"],
    [new e2b.RateLimitError("x"), "quota"],
    [new e2b.ServiceBusyError("x"), "unavailable"],
    [new e2b.SandboxNotFoundError("x"), "not-found"],
    [new e2b.NotFoundError("x"), "not-found"],
    [new e2b.FileNotFoundError("x"), "not-found"],
    [new e2b.InvalidArgumentError("x"), "invalid"],
    [new e2b.NotEnoughSpaceError("x"), "quota"],
    [new e2b.TemplateError("x"), "invalid"],
    [new e2b.TimeoutError("x"), "unavailable"],
    [new e2b.SandboxError("x"), "unavailable"],
    [new TypeError("fetch failed"), "unavailable"],
    [new Error("anything"), "unavailable"],
    ["no error at all", "unavailable"],
  ])("%s is told as %s", (cause, code) => {
    expect(toSandboxError(cause, [])).toMatchObject({ name: "SandboxError", code });
  });

  it.each([
    [400, "invalid"],
    [401, "auth"],
    [403, "auth"],
    [404, "not-found"],
    [409, "conflict"],
    [429, "quota"],
    [500, "unavailable"],
    [502, "not-found"],
    [503, "unavailable"],
    [504, "unavailable"],
    [507, "quota"],
  ])("the API's status %i is told as %s", (status, code) => {
    expect(toSandboxError(newApiError(status), []).code).toBe(code);
  });

  it.each([
    [1, "unavailable"],
    [3, "invalid"],
    [4, "unavailable"],
    [5, "not-found"],
    [7, "auth"],
    [8, "quota"],
    [14, "not-found"],
    [16, "auth"],
    [2, "unavailable"],
  ])("the sandbox's code %i is told as %s", (code, expected) => {
    expect(toSandboxError(newConnectError(code), []).code).toBe(expected);
  });

  it.each([
    [new e2b.AuthenticationError("x"), "Sandbox: Sign In"],
    [new e2b.RateLimitError("the maximum number of concurrent E2B sandboxes (20)"), "Destroy or pause"],
    [new e2b.RateLimitError("slow down"), "Wait a minute"],
    [newApiError(400, "Timeout cannot be greater than 1 hours"), "Set a shorter one"],
    [newApiError(400, "You need to re-build template to allow using secured access."), "Build it anew"],
    [newApiError(404, "template 'x' not found"), "Choose another image"],
    [new TypeError("fetch failed"), "Check the network"],
    [new e2b.NotEnoughSpaceError("x"), "Remove files"],
  ])("%s says what to do next", (cause, remedy) => {
    expect(toSandboxError(cause, []).message).toContain(remedy);
  });

  it("is told apart from silence", () => {
    expect(isConnectionError(new TypeError("fetch failed"))).toBe(true);
    expect(isConnectionError(new TypeError("terminated"))).toBe(true);
    expect(isConnectionError(new TypeError("undefined is not a function"))).toBe(false);
    expect(isConnectionError(newApiError(500, "fetch failed"))).toBe(false);
    expect(isConnectionError(new e2b.RateLimitError("x"))).toBe(false);
  });

  it("tells what is not there from what failed", () => {
    expect(isNotFound(new e2b.SandboxNotFoundError("x"))).toBe(true);
    expect(isNotFound(newApiError(404))).toBe(true);
    expect(isNotFound(newApiError(500))).toBe(false);
  });

  it("leaves our own errors as they are", () => {
    const own = new SandboxError("blocked", "x");

    expect(toSandboxError(own, [])).toBe(own);
  });
});

describe("secrets", () => {
  const KEY = "e2b_0123456789abcdef0123456789abcdef01234567";

  it("are in no message and in no cause", () => {
    const error = toSandboxError(new e2b.SandboxError(`key ${KEY}, and the password hunter2 too`), ["hunter2"]);

    expect(error.message).not.toContain(KEY);
    expect(error.message).not.toContain("hunter2");
    expect(error.cause).toBeUndefined();
  });

  it("that we were not told of are known by their looks", () => {
    expect(scrub(`a ${KEY} b`, [])).toBe("a … b");
    expect(scrub("eyJhbGciOi.eyJzdWIi.sig-1", [])).toBe("…");
  });

  it("keep the cause out only where they are in it", () => {
    const cause = new e2b.SandboxError("nothing to hide");

    expect(toSandboxError(cause, ["hunter2"]).cause).toBe(cause);
  });
});
