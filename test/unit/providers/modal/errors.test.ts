import * as modal from "modal";
import { describe, expect, it } from "vitest";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import { isNotFound, scrub, toSandboxError } from "../../../../src/providers/modal/to-sandbox-error.ts";

const NO_SECRETS = { secrets: [] };

/** As nice-grpc throws them. */
function newClientError(code: number, details: string): Error {
  return Object.assign(new Error(`/x UNKNOWN: ${details}`), { name: "ClientError", code, details });
}

describe("what Modal's SDK throws", () => {
  it.each([
    [new modal.NotFoundError("x"), "not-found"],
    [new modal.AlreadyExistsError("x"), "conflict"],
    [new modal.ConflictError("x"), "not-found"],
    [new modal.InvalidError("x"), "invalid"],
    [new modal.ResourceExhaustedError("x"), "quota"],
    [new modal.ResourceExhaustedError("Insufficient capacity to create sandbox."), "capacity"],
    [new modal.InternalFailure("x"), "unavailable"],
    [new modal.RemoteError("x"), "unavailable"],
    [new modal.ExecutionError("x"), "unavailable"],
    [new modal.TimeoutError("x"), "unavailable"],
    [new modal.FunctionTimeoutError("x"), "unavailable"],
    [new modal.SandboxTimeoutError("x"), "unavailable"],
    [new modal.ClientClosedError("x"), "unavailable"],
    [new modal.SnapshotCreationError("x"), "not-found"],
    [new modal.SandboxFilesystemError("x"), "unavailable"],
    [new modal.SandboxFilesystemNotFoundError("x"), "not-found"],
    [new modal.SandboxFilesystemPermissionError("x"), "invalid"],
    [new modal.SandboxFilesystemFileTooLargeError("x"), "invalid"],
    [new modal.SandboxFilesystemIsADirectoryError("x"), "unavailable"],
    [new Error("Profile is missing credentials. Please set them"), "auth"],
    [new Error("Image build for im-1 failed with the exception:\nno such tag"), "invalid"],
    [new Error("Image build for im-1 timed out. Please try again"), "unavailable"],
    [new Error("anything"), "unavailable"],
    ["no error at all", "unavailable"],
  ])("%s is told as %s", (cause, code) => {
    expect(toSandboxError(cause, NO_SECRETS)).toMatchObject({ name: "SandboxError", code });
  });

  it.each([
    [1, "unavailable"],
    [2, "unavailable"],
    [3, "invalid"],
    [4, "unavailable"],
    [5, "not-found"],
    [6, "conflict"],
    [7, "auth"],
    [8, "quota"],
    [9, "invalid"],
    [10, "conflict"],
    [11, "invalid"],
    [12, "unsupported"],
    [13, "unavailable"],
    [14, "unavailable"],
    [15, "unavailable"],
    [16, "auth"],
    [99, "unavailable"],
  ])("with gRPC's status %i is told as %s, with the server's words", (status, code) => {
    const error = toSandboxError(newClientError(status, "the details"), NO_SECRETS);

    expect(error.code).toBe(code);
    expect(error.message).toContain("(Modal: the details)");
  });

  it.each([
    ["Insufficient capacity", "capacity"],
    ["No GPUs of type H100", "capacity"],
    ["GPU temporarily unavailable", "capacity"],
    ["API rate limit exceeded", "quota"],
    ["Workspace sandbox limit of 100 reached", "quota"],
    ["GPU limit of the workspace reached", "quota"],
  ])("with status 8 and the words %j is told as %s", (details, code) => {
    expect(toSandboxError(newClientError(8, details), { ...NO_SECRETS, gpu: "H100" }).code).toBe(code);
  });

  it("names the GPU that there is none of", () => {
    expect(toSandboxError(newClientError(8, "no capacity"), { secrets: [], gpu: "H100:2" }).message).toContain(
      "no free H100:2 now",
    );
  });

  it("stays what it is when it is ours", () => {
    const ours = new SandboxError("blocked", "x");

    expect(toSandboxError(ours, NO_SECRETS)).toBe(ours);
  });

  it("says by itself whether something is missing", () => {
    expect(isNotFound(newClientError(5, ""))).toBe(true);
    expect(isNotFound(new modal.NotFoundError(""))).toBe(true);
    expect(isNotFound(newClientError(13, ""))).toBe(false);
    expect(isNotFound(Object.assign(new Error("x"), { code: 5 }))).toBe(false);
  });
});

describe("a secret in what Modal says", () => {
  const context = { secrets: ["hush hush", "quiet"] };

  it("is in no message, and the original that holds it is not kept", () => {
    const error = toSandboxError(newClientError(16, "token hush hush of quiet"), context);

    expect(error.message).toContain("token … of …");
    expect(error.cause).toBeUndefined();
  });

  it("is looked for in the stack of the original as well", () => {
    const cause = Object.assign(newClientError(13, "clean"), { stack: "at hush hush" });

    expect(toSandboxError(cause, context).cause).toBeUndefined();
    expect(toSandboxError(newClientError(13, "clean"), context).cause).toMatchObject({ code: 13 });
  });

  it("is known by its shape too, whoever's it is", () => {
    const token = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2lnbmF0dXJl";

    expect(scrub(`ak-abcDEF123 as-abcDEF123 ${token} sb-abcDEF123 im-abcDEF123`, [])).toBe(
      "… … … sb-abcDEF123 im-abcDEF123",
    );
  });
});
