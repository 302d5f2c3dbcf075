import { afterAll, afterEach, describe, expect, it } from "vitest";
import { createE2bProvider } from "../../src/providers/e2b/e2b-provider.ts";
import { startE2bEmulator } from "../emulators/e2b/e2b-emulator.ts";
import { E2B_SPEC, toE2bDeps } from "./e2b-subject.ts";
import { newCall, runToEnd, toArray } from "./run-to-end.ts";

const emulator = await startE2bEmulator();
afterAll(() => emulator.close());
afterEach(() => {
  emulator.faults.clear();
  expect(emulator.books.leaked()).toEqual([]);
});

const provider = createE2bProvider({}, toE2bDeps(emulator.url));
const countCalls = (method: string): number => emulator.books.calls[method] ?? 0;

/** More than anybody tries. */
const ALWAYS = 1000;

describe("creating that is given up", () => {
  it("rejects with the reason, and ends what E2B makes all the same", async () => {
    emulator.faults.inject({ kind: "delay", method: "CreateSandbox", ms: 600 });
    const before = emulator.books.sandboxes.length;
    const controller = new AbortController();
    const reason = new Error("changed my mind");
    const creating = provider.create(E2B_SPEC, { ...newCall(), signal: controller.signal });
    setTimeout(() => controller.abort(reason), 100);

    await expect(creating).rejects.toBe(reason);

    expect(emulator.books.sandboxes.length).toBe(before + 1);
    expect(emulator.books.leaked()).toEqual([]);
  });

  it("ends the sandbox when it can't be set up", async () => {
    emulator.faults.inject({ kind: "rpc-error", method: "Start", code: "internal", times: ALWAYS });

    await expect(provider.create(E2B_SPEC, newCall())).rejects.toMatchObject({ code: "unavailable" });

    expect(emulator.books.leaked()).toEqual([]);
  });

  it("sets a sandbox up at the second attempt where the first one was too early", async () => {
    emulator.faults.inject({ kind: "rpc-error", method: "Start", code: "unavailable" });

    const sandbox = await provider.create(E2B_SPEC, newCall());

    expect((await runToEnd(sandbox, ["echo", "hello"])).stdout).toBe("hello\n");
    await sandbox.destroy(newCall());
  });
});

describe("a sandbox that vanishes long before its time", () => {
  it("is told as gone by the call that finds out, and by those after it", async () => {
    const sandbox = await provider.create(E2B_SPEC, newCall());
    emulator.faults.inject({ kind: "lose-sandbox", method: "Start" });

    await expect(sandbox.exec({ argv: ["true"] }, newCall())).rejects.toMatchObject({ code: "not-found" });
    await expect(sandbox.exec({ argv: ["true"] }, newCall())).rejects.toMatchObject({ code: "not-found" });
    await sandbox.destroy(newCall());
  });
});

describe("a connection that dies", () => {
  it("costs a list another attempt", async () => {
    emulator.faults.inject({ kind: "reset", method: "ListSandboxes", times: 2 });
    const before = countCalls("ListSandboxes");

    expect(await toArray(provider.list(newCall()))).toEqual([]);

    expect(countCalls("ListSandboxes") - before).toBe(3);
  });

  it("never has a command run twice", async () => {
    const sandbox = await provider.create(E2B_SPEC, newCall());
    emulator.faults.inject({ kind: "lose-answer", method: "Start" });

    const twice = ["sh", "-c", "echo once >>runs; sleep 0.2"];
    await expect(sandbox.exec({ argv: twice }, newCall())).rejects.toMatchObject({ code: "unavailable" });

    expect((await runToEnd(sandbox, ["sh", "-c", "sleep 1; cat runs || true"])).stdout).toMatch(/^(?:once\n)?$/);
    await sandbox.destroy(newCall());
  });

  it("is not what all later uploads fail with", async () => {
    const sandbox = await provider.create(E2B_SPEC, newCall());
    emulator.faults.inject({ kind: "reset", method: "WriteFile" });

    const empty = { deletes: ["none-such"] };
    await expect(sandbox.apply(empty, newCall())).rejects.toMatchObject({ code: "unavailable" });
    await sandbox.apply(empty, newCall());

    expect((await sandbox.list(newCall())).paths).toEqual([]);
    await sandbox.destroy(newCall());
  });
});

describe("destroying", () => {
  it("says when E2B would not, so that it is tried again later", async () => {
    const sandbox = await provider.create(E2B_SPEC, newCall());
    emulator.faults.inject({ kind: "error", method: "KillSandbox", status: 500, times: ALWAYS });

    await expect(sandbox.destroy(newCall())).rejects.toMatchObject({ code: "unavailable" });
    emulator.faults.clear();

    await sandbox.destroy(newCall());
  });
});
