import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import type { Provider, SandboxSpec } from "../../src/core/provider.ts";
import { createModalProvider } from "../../src/providers/modal/modal-provider.ts";
import type { ProviderDeps } from "../../src/providers/provider-deps.ts";
import { EMULATOR_TOKEN } from "../emulators/modal/credentials.ts";
import { startModalEmulator } from "../emulators/modal/modal-emulator.ts";
import { MODAL_SPEC, toEmulatorDeps } from "./modal-subject.ts";
import { collectText, newCall, runToEnd, startText, toArray, waitForText } from "./run-to-end.ts";

const emulator = await startModalEmulator({
  gpus: { H100: 0, L4: 2 },
  secrets: { "team-keys": { TEAM_KEY: "from Modal" } },
});
afterAll(() => emulator.close());
afterEach(() => {
  emulator.faults.clear();
  emulator.setGpus("H100", 0);
});

const newProvider = (options: Record<string, string> = {}, deps: Partial<ProviderDeps> = {}): Provider =>
  createModalProvider(options, { ...toEmulatorDeps(emulator.url), ...deps });
const newSpec = (change: Partial<SandboxSpec> = {}): SandboxSpec => ({ ...MODAL_SPEC, ...change });
const lastRecord = () => emulator.books.sandboxes.at(-1);
const textWith = (part: string): unknown => expect.stringContaining(part);

describe("what a sandbox at Modal is made with", () => {
  it("is all of the spec and of the target", async () => {
    const provider = newProvider({ regions: "us-east, eu-west", app: "own-app" });
    const spec = newSpec({
      cpus: 0.5,
      memoryMiB: 768,
      lifetimeMs: 90_500,
      network: "allow-list",
      allowedHosts: ["pypi.org", "*.pythonhosted.org", "10.0.0.0/8", "192.0.2.7"],
      ports: [8080],
    });

    const sandbox = await provider.create(spec, newCall());

    const record = lastRecord();
    expect(record).toMatchObject({
      cpus: 0.5,
      memoryMiB: 768,
      timeoutSecs: 91,
      network: "allow-list",
      allowedDomains: ["pypi.org", "*.pythonhosted.org"],
      allowedCidrs: ["10.0.0.0/8", "192.0.2.7/32"],
      regions: ["us-east", "eu-west"],
      ports: [8080],
      backEnd: "v2",
      gpu: undefined,
    });
    expect(record?.name).toMatch(/^contract-[0-9a-f]{12}$/);
    expect(record?.tags).toMatchObject({ "label.contract.suite": "modal" });
    expect(record?.envNames).toEqual(expect.arrayContaining(["HOME", "FROM_SPEC"]));
    await sandbox.destroy(newCall());
  });

  it("may be a GPU, with a count, on Modal's older backend", async () => {
    const provider = newProvider();

    const sandbox = await provider.create(newSpec({ gpu: "L4:2" }), newCall());

    expect(lastRecord()).toMatchObject({ gpu: "L4:2", backEnd: "v1" });
    expect((await runToEnd(sandbox, ["echo", "hello"])).stdout).toBe("hello\n");
    const listed = await toArray(provider.list(newCall()));
    expect(listed.map(({ id }) => id)).toContain(sandbox.id);
    await sandbox.destroy(newCall());
  });

  it("has the variables of the target's secrets", async () => {
    const sandbox = await newProvider({ secrets: "team-keys" }).create(newSpec(), newCall());

    expect((await runToEnd(sandbox, ["printenv", "TEAM_KEY"])).stdout).toBe("from Modal\n");
    await sandbox.destroy(newCall());
  });

  it("is refused when a secret is missing, by its name", async () => {
    await expect(newProvider({ secrets: "none-such" }).create(newSpec(), newCall())).rejects.toMatchObject({
      code: "not-found",
      message: textWith("none-such"),
    });
  });

  it("has what the target's Dockerfile commands made", async () => {
    const dockerfile = "# tools\nENV BUILT=yes\nRUN mkdir /tools && \\\n  echo built >/tools/made";

    const sandbox = await newProvider({ dockerfile }).create(newSpec(), newCall());

    expect((await runToEnd(sandbox, ["cat", "/tools/made"])).stdout).toBe("built\n");
    await sandbox.destroy(newCall());
  });

  it("is refused when the image cannot be built, with what Modal said", async () => {
    emulator.faults.inject({ kind: "fail-build", method: "ImageGetOrCreate", exception: "manifest unknown" });

    await expect(newProvider().create(newSpec({ image: "none/such:1" }), newCall())).rejects.toMatchObject({
      code: "invalid",
      message: textWith("manifest unknown"),
    });
  });
});

describe("a sandbox whose creation goes wrong", () => {
  it("is used when only Modal's answer was lost and the repeated request made no second one", async () => {
    emulator.faults.inject({ kind: "lose-answer", method: "SandboxCreateV2" });
    const before = emulator.books.sandboxes.length;

    const sandbox = await newProvider().create(newSpec(), newCall());

    expect(emulator.books.leaked()).toEqual([sandbox.id]);
    expect(emulator.books.sandboxes.length).toBe(before + 1);
    await sandbox.destroy(newCall());
  });

  it("is found by its tags when Modal says to the repeated request that the name is taken", async () => {
    const before = emulator.books.calls["SandboxCreateV2"] ?? 0;
    emulator.faults.inject({ kind: "lose-answer", method: "SandboxCreateV2" });
    for (const ms of [0, 1000]) emulator.faults.inject({ kind: "delay", method: "SandboxCreateV2", ms });
    const created = newProvider().create(newSpec(), newCall());
    await expect.poll(() => (emulator.books.calls["SandboxCreateV2"] ?? 0) - before, { interval: 10 }).toBe(2);
    emulator.faults.inject({ kind: "error", method: "SandboxCreateV2", code: "ALREADY_EXISTS" });

    const sandbox = await created;

    expect(emulator.books.leaked()).toEqual([sandbox.id]);
    await sandbox.destroy(newCall());
  });

  it("is ended when no answer ever comes", async () => {
    emulator.faults.inject({ kind: "lose-answer", method: "SandboxCreateV2", times: 4 });

    await expect(newProvider().create(newSpec(), newCall())).rejects.toMatchObject({ name: "SandboxError" });

    expect(emulator.books.leaked()).toEqual([]);
  });

  it("is ended when it cannot be set up", async () => {
    emulator.faults.inject({ kind: "error", method: "TaskExecStart", code: "PERMISSION_DENIED" });

    await expect(newProvider().create(newSpec(), newCall())).rejects.toMatchObject({ code: "auth" });

    expect(emulator.books.leaked()).toEqual([]);
  });

  it("is ended when nobody wants it any more while it waits for a GPU", async () => {
    const controller = new AbortController();
    const reason = new Error("changed my mind");
    const call = { ...newCall(), signal: controller.signal };
    const created = newProvider().create(newSpec({ gpu: "H100" }), call);
    await expect.poll(() => emulator.books.leaked().length, { timeout: 10_000 }).toBe(1);

    controller.abort(reason);

    await expect(created).rejects.toBe(reason);
    expect(emulator.books.leaked()).toEqual([]);
  });

  it("says when it ended before it was ready", async () => {
    emulator.faults.inject({ kind: "delay", method: "TaskExecStart", ms: 500 });
    const created = newProvider().create(newSpec(), newCall());
    await expect.poll(() => emulator.books.leaked().length, { interval: 10 }).toBe(1);

    await emulator.expire(String(lastRecord()?.id));

    await expect(created).rejects.toMatchObject({ code: "unavailable", message: textWith("before it was ready") });
  });

  it("has all its time from when Modal had a machine for it", async () => {
    const created = newProvider().create(newSpec({ gpu: "H100" }), newCall());
    await expect.poll(() => emulator.books.leaked().length, { interval: 10 }).toBe(1);
    const minutesLater = Date.now() + 5 * 60_000;
    vi.useFakeTimers({ toFake: ["Date"], now: minutesLater });

    emulator.setGpus("H100", 1);

    const sandbox = await created.finally(() => vi.useRealTimers());
    expect(sandbox.expiresAt.getTime()).toBeGreaterThanOrEqual(minutesLater + MODAL_SPEC.lifetimeMs - 1000);
    const again = await newProvider().connect(sandbox.id, newCall());
    expect(again.expiresAt).toEqual(sandbox.expiresAt);
    await sandbox.destroy(newCall());
  });

  it("is told what it was asked for when Modal has no such GPU left", async () => {
    emulator.faults.inject({
      kind: "error",
      method: "SandboxCreate",
      code: "RESOURCE_EXHAUSTED",
      details: "Insufficient capacity for H100",
    });

    await expect(newProvider().create(newSpec({ gpu: "H100" }), newCall())).rejects.toMatchObject({
      code: "capacity",
      message: textWith("no free H100 now"),
    });
  });
});

describe("a sandbox that ends", () => {
  it("tells its commands of the end of its time", async () => {
    const sandbox = await newProvider().create(newSpec(), newCall());
    const running = await startText(sandbox, ["sh", "-c", "echo ready; sleep 100"]);
    await waitForText(running, "ready");

    await emulator.expire(sandbox.id);

    expect(await running.process.exit).toEqual({ kind: "lost", reason: textWith("end of its lifetime") });
    await expect(sandbox.exec({ argv: ["true"] }, newCall())).rejects.toMatchObject({ code: "not-found" });
  });

  it("ends its commands when they store more than the limit, says so, and can be cleaned up", async () => {
    const sandbox = await newProvider().create(newSpec({ diskMiB: 32 }), newCall());
    const running = await startText(sandbox, [
      "sh",
      "-c",
      "for i in 1 2; do head -c 25M /dev/zero >$i; done; sleep 60",
    ]);

    expect(await running.process.exit).toEqual({ kind: "lost", reason: textWith("limit of 32 MiB") });

    expect((await runToEnd(sandbox, ["sh", "-c", "rm 1 2; echo cleaned"])).stdout).toBe("cleaned\n");
    await sandbox.destroy(newCall());
  });

  it("writes no larger file than its disk", async () => {
    const sandbox = await newProvider().create(newSpec({ diskMiB: 16 }), newCall());

    const { status } = await runToEnd(sandbox, ["sh", "-c", "exec head -c 17M /dev/zero >big"]);

    expect(status).toEqual({ kind: "signaled", signal: "SIGXFSZ" });
    await sandbox.destroy(newCall());
  });
});

describe("the connection to Modal", () => {
  it("may break in the middle of output, of which nothing is lost", async () => {
    const sandbox = await newProvider().create(newSpec(), newCall());
    emulator.faults.inject({ kind: "cut-stream", method: "TaskExecStdioRead", afterBytes: 100_000 });

    const process = await sandbox.exec({ argv: ["sh", "-c", "yes 123456789 | head -n 100000"] }, newCall());
    const [stdout] = await Promise.all([collectText(process.stdout), collectText(process.stderr)]);

    expect(stdout).toBe("123456789\n".repeat(100_000));
    expect(await process.exit).toEqual({ kind: "exited", code: 0 });
    await sandbox.destroy(newCall());
  });

  it("is asked for a token first, without a word to Modal", async () => {
    const before = emulator.books.calls;
    const provider = newProvider({}, { readCredential: () => undefined });

    await expect(provider.check(newCall())).rejects.toMatchObject({ code: "auth", message: textWith("Sign In") });
    await expect(provider.create(newSpec(), newCall())).rejects.toMatchObject({ code: "auth" });
    expect(emulator.books.calls).toEqual(before);
  });

  it("is good for an app that does not exist yet, but not for an environment", async () => {
    const missing = { kind: "error", code: "NOT_FOUND", details: "none" } as const;
    emulator.faults.inject({ ...missing, method: "AppGetOrCreate", times: 2 });

    await expect(newProvider({ environment: "dev" }).check(newCall())).resolves.toBeUndefined();

    emulator.faults.inject({ ...missing, method: "EnvironmentGetOrCreate" });
    await expect(newProvider({ environment: "dev" }).check(newCall())).rejects.toMatchObject({
      code: "invalid",
      message: textWith('no environment "dev"'),
    });
  });

  it("is made anew when somebody else signs in", async () => {
    let token: Record<string, string> = { tokenId: "ak-unknown0", tokenSecret: "as-unknown0" };
    const provider = newProvider({}, { readCredential: () => token });
    await expect(provider.check(newCall())).rejects.toMatchObject({ code: "auth" });

    token = { ...EMULATOR_TOKEN };

    await expect(provider.check(newCall())).resolves.toBeUndefined();
  });

  it("is never given up on in secret: a server that does not answer is told of", async () => {
    const deps = { env: { SANDPIPER_MODAL_SERVER_URL: "http://127.0.0.1:1" } };

    await expect(newProvider({}, deps).check(newCall())).rejects.toMatchObject({
      code: "unavailable",
      message: textWith("can't be reached"),
    });
  });

  it("is left alone by the variables that the SDK reads", async () => {
    process.env["MODAL_TOKEN_ID"] = "ak-of-the-user";
    process.env["MODAL_SANDBOX_V2"] = "0";
    try {
      const sandbox = await newProvider().create(newSpec(), newCall());
      await sandbox.destroy(newCall());

      expect(lastRecord()?.backEnd).toBe("v2");
      expect(process.env["MODAL_TOKEN_ID"]).toBe("ak-of-the-user");
      expect(process.env["MODAL_SERVER_URL"]).toBeUndefined();
      expect(process.env["MODAL_CONFIG_PATH"]).toBeUndefined();
    } finally {
      delete process.env["MODAL_TOKEN_ID"];
      delete process.env["MODAL_SANDBOX_V2"];
    }
  });
});

describe("every way in which Modal says no", () => {
  const { tokenId, tokenSecret } = EMULATOR_TOKEN;

  it.each([
    ["UNAUTHENTICATED", "auth", "Sign In"],
    ["PERMISSION_DENIED", "auth", "may not do that"],
    ["RESOURCE_EXHAUSTED", "quota", "reached a limit"],
    ["FAILED_PRECONDITION", "invalid", "modal.com/settings"],
    ["INVALID_ARGUMENT", "invalid", "Correct"],
    ["UNIMPLEMENTED", "unsupported", "does not offer"],
    ["UNAVAILABLE", "unavailable", "can't be reached"],
    ["INTERNAL", "unavailable", "Try again"],
    ["UNKNOWN", "unavailable", "Try again"],
    ["DEADLINE_EXCEEDED", "unavailable", "in time"],
  ] as const)("has its remedy: %s is %s", async (status, code, part) => {
    const details = `no, ${tokenId} with ${tokenSecret}`;
    emulator.faults.inject({ kind: "error", method: "AppGetOrCreate", code: status, details, times: 9 });
    const before = emulator.books.calls["AppGetOrCreate"] ?? 0;

    const error: unknown = await newProvider()
      .check(newCall())
      .catch((caught: unknown) => caught);

    expect(error).toMatchObject({ name: "SandboxError", code, message: textWith(part) });
    expect(String(error)).toContain("no, … with …");
    expect(JSON.stringify([error, String(Object(error).stack), String(Object(error).cause)])).not.toContain(
      tokenSecret,
    );
    expect((emulator.books.calls["AppGetOrCreate"] ?? 0) - before).toBeLessThanOrEqual(4);
  });

  it("is taken for a request to wait when Modal asks for that", async () => {
    emulator.faults.inject({ kind: "error", method: "AppGetOrCreate", code: "RESOURCE_EXHAUSTED", retryAfterSecs: 1 });

    await expect(newProvider().check(newCall())).resolves.toBeUndefined();
  });

  it("is not waited for longer than half a minute", async () => {
    emulator.faults.inject({
      kind: "error",
      method: "AppGetOrCreate",
      code: "RESOURCE_EXHAUSTED",
      details: "API rate limit",
      retryAfterSecs: 3600,
      times: 9,
    });

    await expect(newProvider().check(newCall())).rejects.toMatchObject({
      code: "quota",
      message: textWith("no more calls for now"),
    });
  });
});
