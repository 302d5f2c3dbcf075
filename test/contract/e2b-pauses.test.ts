import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import type { Provider } from "../../src/core/provider.ts";
import type { Sandbox } from "../../src/core/sandbox.ts";
import { createE2bProvider } from "../../src/providers/e2b/e2b-provider.ts";
import { startE2bEmulator } from "../emulators/e2b/e2b-emulator.ts";
import { E2B_SPEC, toE2bDeps } from "./e2b-subject.ts";
import { newCall, runToEnd, startText, waitForText } from "./run-to-end.ts";

const emulator = await startE2bEmulator();
const stateFolder = mkdtempSync(join(tmpdir(), "sandpiper-e2b-"));
afterAll(async () => {
  await emulator.close();
  rmSync(stateFolder, { recursive: true });
});
afterEach(() => {
  emulator.faults.clear();
  expect(emulator.books.leaked()).toEqual([]);
});

const newProvider = (options: Record<string, string> = {}): Provider =>
  createE2bProvider(options, toE2bDeps(emulator.url, stateFolder));
const recordOf = (id: string) => emulator.books.sandboxes.find((record) => record.id === id);
const countCalls = (method: string): number => emulator.books.calls[method] ?? 0;
const textWith = (part: string): unknown => expect.stringContaining(part);

async function pause(sandbox: Sandbox): Promise<string> {
  const saved = await sandbox.pause?.(newCall());
  return saved?.id ?? "";
}

async function resume(provider: Provider, id: string): Promise<Sandbox> {
  const resumed = await provider.resume?.(id, E2B_SPEC, newCall());
  if (!resumed) throw new Error("This provider can't resume.");
  return resumed;
}

describe("a pause", () => {
  it("keeps files and what runs, and costs nothing; going on, its time begins anew", async () => {
    const provider = newProvider();
    const sandbox = await provider.create(E2B_SPEC, newCall());
    await runToEnd(sandbox, ["sh", "-c", "echo kept >file; nohup sleep 300 >/dev/null 2>&1 & echo $!"]);

    const id = await pause(sandbox);

    expect(recordOf(id)).toMatchObject({ state: "paused", pauses: 1 });
    await expect(sandbox.exec({ argv: ["true"] }, newCall())).rejects.toMatchObject({ code: "not-found" });
    const before = Date.now();
    const resumed = await resume(newProvider(), id);

    expect(resumed.id).toBe(sandbox.id);
    expect((await runToEnd(resumed, ["cat", "file"])).stdout).toBe("kept\n");
    const lastsMs = resumed.expiresAt.getTime() - before;
    expect(lastsMs).toBeGreaterThanOrEqual(E2B_SPEC.lifetimeMs - 1000);
    expect(lastsMs).toBeLessThan(E2B_SPEC.lifetimeMs + 5000);
    expect(countCalls("UpdateNetwork")).toBeGreaterThan(0);
    await resumed.destroy(newCall());
  });

  it("ends a command that runs, as lost with the reason", async () => {
    const sandbox = await newProvider().create(E2B_SPEC, newCall());
    const running = await startText(sandbox, ["sh", "-c", "echo ready; sleep 100"]);
    await waitForText(running, "ready");
    const elsewhere = await newProvider().connect(sandbox.id, newCall());

    const id = await pause(elsewhere);

    expect(await running.process.exit).toEqual({ kind: "lost", reason: textWith("paused") });
    await newProvider().deleteSaved?.(id, newCall());
    expect(recordOf(id)?.state).not.toBe("paused");
  });

  it("can be repeated, with the latest files each time", async () => {
    const provider = newProvider();
    let sandbox = await provider.create(E2B_SPEC, newCall());
    for (const round of ["one", "two", "three"]) {
      await runToEnd(sandbox, ["sh", "-c", `echo ${round} >>rounds`]);
      sandbox = await resume(provider, await pause(sandbox));
    }

    expect((await runToEnd(sandbox, ["cat", "rounds"])).stdout).toBe("one\ntwo\nthree\n");
    await sandbox.destroy(newCall());
  });
});

describe("a paused sandbox that is not what it was", () => {
  it("with lost files is ended, and says to restore the session", async () => {
    const provider = newProvider();
    const id = await pause(await provider.create(E2B_SPEC, newCall()));
    emulator.faults.inject({ kind: "lose-files", method: "ConnectSandbox", path: "/sandpiper" });

    await expect(resume(provider, id)).rejects.toMatchObject({
      code: "not-found",
      message: textWith("Restore the session from its last snapshot"),
    });

    expect(emulator.books.paused()).not.toContain(id);
  });

  it("with the files of an earlier pause is ended, too", async () => {
    const provider = newProvider();
    const sandbox = await provider.create(E2B_SPEC, newCall());
    // What the disk was at an earlier pause, whose marker was older.
    const resumed = await resume(provider, await pause(sandbox));
    const marker = "/sandpiper/private/pause-marker";
    const { stdout: earlier } = await runToEnd(resumed, ["cat", marker]);
    const id = await pause(resumed);
    const woken = await resume(provider, id);
    await runToEnd(woken, ["sh", "-c", `rm -f ${marker}; printf %s ${earlier} >${marker}`]);
    await pauseFromOutside(id);

    await expect(resume(provider, id)).rejects.toMatchObject({ code: "not-found", message: textWith("older files") });

    expect(emulator.books.paused()).not.toContain(id);
  });

  it("without its memory goes on with its files, watched as before", async () => {
    const provider = newProvider();
    const sandbox = await provider.create({ ...E2B_SPEC, diskMiB: 8 }, newCall());
    await runToEnd(sandbox, ["sh", "-c", "echo kept >file"]);
    const id = await pause(sandbox);
    emulator.faults.inject({ kind: "lose-memory", method: "ConnectSandbox" });

    const resumed = await resume(provider, id);

    expect((await runToEnd(resumed, ["cat", "file"])).stdout).toBe("kept\n");
    const fill = "for i in 1 2 3 4 5 6; do head -c 3000000 /dev/zero >file$i; done; sleep 60";
    expect((await runToEnd(resumed, ["sh", "-c", fill])).status).toMatchObject({
      kind: "lost",
      reason: textWith("8 MiB"),
    });
    await resumed.destroy(newCall());
  });

  it("that was deleted is told as gone", async () => {
    const provider = newProvider();
    const id = await pause(await provider.create(E2B_SPEC, newCall()));
    await provider.deleteSaved?.(id, newCall());

    await expect(resume(provider, id)).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("going on that fails for now", () => {
  it("leaves what is paused as it is, to be gone on with later", async () => {
    const provider = newProvider();
    const id = await pause(await provider.create(E2B_SPEC, newCall()));
    emulator.faults.inject({ kind: "error", method: "UpdateNetwork", status: 500, times: 9 });

    await expect(resume(provider, id)).rejects.toMatchObject({ code: "unavailable" });

    expect(emulator.books.paused()).toContain(id);
    emulator.faults.clear();
    await (await resume(provider, id)).destroy(newCall());
  });

  it("is asked for again when E2B is busy", async () => {
    const provider = newProvider();
    const id = await pause(await provider.create(E2B_SPEC, newCall()));
    emulator.faults.inject({ kind: "error", method: "ConnectSandbox", status: 503, times: 2 });

    await (await resume(provider, id)).destroy(newCall());
  });
});

describe("a sandbox whose time is up", () => {
  it("is paused where the target says so, and can be gone on with", async () => {
    const provider = newProvider({ autoPause: "true" });
    const sandbox = await provider.create(E2B_SPEC, newCall());
    await runToEnd(sandbox, ["sh", "-c", "echo kept >file"]);
    expect(await provider.findPaused?.(sandbox.id, newCall())).toBeUndefined();

    await emulator.expire(sandbox.id);

    const saved = await provider.findPaused?.(sandbox.id, newCall());
    expect(saved).toEqual({ id: sandbox.id });
    const resumed = await resume(provider, saved?.id ?? "");
    expect((await runToEnd(resumed, ["cat", "file"])).stdout).toBe("kept\n");
    expect(recordOf(resumed.id)).toMatchObject({ autoPause: true });
    await resumed.destroy(newCall());
  });

  it("is gone where it does not", async () => {
    const sandbox = await newProvider().create(E2B_SPEC, newCall());

    await emulator.expire(sandbox.id);

    expect(await newProvider({ autoPause: "true" }).findPaused?.(sandbox.id, newCall())).toBeUndefined();
    await expect(sandbox.exec({ argv: ["true"] }, newCall())).rejects.toMatchObject({ code: "not-found" });
  });
});

/** Pauses a sandbox as E2B does by itself: nothing is written down about it. */
async function pauseFromOutside(id: string): Promise<void> {
  const apiKey = toE2bDeps("").readCredential?.()?.["apiKey"] ?? "";
  const headers = { "x-api-key": apiKey, "content-type": "application/json" };
  await fetch(`${emulator.url}/sandboxes/${id}/pause`, { method: "POST", headers, body: "{}" });
}
