import { afterAll, afterEach, describe, expect, it } from "vitest";
import type { Provider, SandboxSpec } from "../../src/core/provider.ts";
import type { Sandbox, SavedState } from "../../src/core/sandbox.ts";
import { createDaytonaProvider } from "../../src/providers/daytona/daytona-provider.ts";
import { EMULATOR_KEY, startDaytonaEmulator } from "../emulators/daytona/daytona-emulator.ts";
import { DAYTONA_SPEC, toEmulatorDeps } from "./daytona-subject.ts";
import { newCall, runToEnd, startText, toArray, waitForText } from "./run-to-end.ts";

const emulator = await startDaytonaEmulator({ gpus: { H100: 0, "RTX-4090": 4 } });
const deps = toEmulatorDeps({ apiUrl: emulator.url, apiKey: EMULATOR_KEY });
afterAll(() => emulator.close());
afterEach(async () => {
  emulator.faults.clear();
  // Daytona answers a deletion before it is done.
  await expect.poll(() => emulator.books.leaked(), { timeout: 10_000 }).toEqual([]);
});

const newProvider = (options: Record<string, string> = {}): Provider => createDaytonaProvider(options, deps);
const newSpec = (change: Partial<SandboxSpec> = {}): SandboxSpec => ({ ...DAYTONA_SPEC, ...change });
const lastRecord = () => emulator.books.sandboxes.at(-1);

async function write(sandbox: Sandbox, path: string, text: string): Promise<void> {
  const { status, stderr } = await runToEnd(sandbox, ["sh", "-c", `printf %s "$1" >"$2"`, "sh", text, path]);
  expect({ status, stderr }).toEqual({ status: { kind: "exited", code: 0 }, stderr: "" });
}

async function read(sandbox: Sandbox, path: string): Promise<string> {
  const { status, stdout, stderr } = await runToEnd(sandbox, ["cat", path]);
  expect({ status, stderr }).toEqual({ status: { kind: "exited", code: 0 }, stderr: "" });
  return stdout;
}

async function save(sandbox: Sandbox): Promise<SavedState> {
  const saved = await sandbox.images?.save(3_600_000, newCall());
  if (!saved) throw new Error("It can't be saved.");
  return saved;
}

describe("what a sandbox at Daytona is made with", () => {
  it("is all of the spec and of the target, in whole minutes, processors and GiB", async () => {
    const provider = newProvider({ region: "us", autoArchiveMinutes: "90" });
    const spec = newSpec({
      image: "python:3.13-slim",
      cpus: 1.5,
      memoryMiB: 1500,
      diskMiB: 5000,
      lifetimeMs: 90 * 60_000 + 500,
      network: "allow-list",
      allowedHosts: ["pypi.org", "*.pythonhosted.org", "10.0.0.0/8", "192.0.2.7"],
    });

    const before = Date.now();
    const sandbox = await provider.create(spec, newCall());

    const record = lastRecord();
    expect(record).toMatchObject({
      resources: { cpu: 2, memory: 2, disk: 5, gpu: 0 },
      intervals: { ttl: 91, autoStop: 60, autoArchive: 90, autoDelete: 91 },
      network: "allow-list",
      networkAllowList: "10.0.0.0/8,192.0.2.7/32",
      domainAllowList: "pypi.org,*.pythonhosted.org",
      target: "us",
      dockerfile: expect.stringContaining("FROM python:3.13-slim") as unknown,
    });
    expect(record?.name).toMatch(/^contract-[0-9a-f]{12}$/);
    expect(record?.labels).toMatchObject({ "label.contract.suite": "daytona" });
    expect(sandbox.machine).toEqual({ cpus: 2, memoryMiB: 2048 });
    expect(sandbox.expiresAt.getTime()).toBeGreaterThanOrEqual(before + spec.lifetimeMs);
    expect(sandbox.expiresAt.getTime()).toBeLessThan(Date.now() + 91 * 60_000);
    await sandbox.destroy(newCall());
  });

  it("does not tell Daytona the sandbox's variables", async () => {
    const sandbox = await newProvider().create(newSpec({ env: { OWN_SECRET: "hunter2" } }), newCall());

    const { stdout } = await runToEnd(sandbox, ["sh", "-c", 'echo "$OWN_SECRET"; cat /proc/[0-9]*/cmdline']);

    expect(stdout.split("\n")[0]).toBe("hunter2");
    expect(stdout.split("\n").slice(1).join("\n")).not.toContain("hunter2");
    expect(lastRecord()?.envNames).toEqual([]);
    await sandbox.destroy(newCall());
  });

  it("is what its snapshot gives, which the sandbox tells", async () => {
    const sandbox = await newProvider().create(newSpec({ image: "snapshot:daytona-medium", cpus: 1 }), newCall());

    expect(sandbox.machine).toEqual({ cpus: 2, memoryMiB: 4096 });
    expect(lastRecord()).toMatchObject({ snapshot: "daytona-medium" });
    await sandbox.destroy(newCall());
  });

  it("may be a GPU with a count, which can't be paused since it is deleted when it stops", async () => {
    const spec = newSpec({ gpu: "RTX-4090:2" });

    const sandbox = await newProvider({ spot: "true" }).create(spec, newCall());

    expect(sandbox).not.toHaveProperty("pause");
    expect(lastRecord()).toMatchObject({
      resources: { gpu: 2, gpuType: "RTX-4090" },
      spot: true,
      intervals: { autoDelete: 0 },
    });
    await emulator.autoStop(sandbox.id);
    await expect(sandbox.exec({ argv: ["true"] }, newCall())).rejects.toMatchObject({ code: "not-found" });
  });

  it("tells of a GPU that is not free as such", async () => {
    await expect(newProvider().create(newSpec({ gpu: "H100" }), newCall())).rejects.toMatchObject({
      code: "capacity",
      message: expect.stringContaining("no free H100") as unknown,
    });
  });
});

describe("the life of a sandbox at Daytona", () => {
  it("goes on where Daytona has stopped it before its time, with its files", async () => {
    const sandbox = await newProvider().create(newSpec(), newCall());
    await write(sandbox, "kept", "yes");
    await emulator.autoStop(sandbox.id);

    await expect(sandbox.exec({ argv: ["true"] }, newCall())).rejects.toMatchObject({ code: "not-found" });
    const again = await newProvider().connect(sandbox.id, newCall());

    expect(await read(again, "kept")).toBe("yes");
    expect((await runToEnd(again, ["sh", "-c", 'echo "$FROM_SPEC"'])).stdout).toBe("yes\n");
    await again.destroy(newCall());
  });

  it("ends a command as lost, and says so, when Daytona stops its sandbox", async () => {
    const sandbox = await newProvider().create(newSpec(), newCall());
    const running = await startText(sandbox, ["sh", "-c", "echo ready; sleep 100"]);
    await waitForText(running, "ready");

    await emulator.autoStop(sandbox.id);

    expect(await running.process.exit).toMatchObject({
      kind: "lost",
      reason: expect.stringContaining("Daytona stopped the sandbox") as unknown,
    });
    await sandbox.destroy(newCall());
  });

  it.each<[string, string?]>([["a registry's image", "python:3.13-slim"], ["the default snapshot"]])(
    "can be paused and gone on with, from %s",
    async (_what, image) => {
      const spec = newSpec(image === undefined ? {} : { image });
      const provider = newProvider();
      const sandbox = await provider.create(spec, newCall());
      await write(sandbox, "kept", "yes");

      const saved = await sandbox.pause?.(newCall());

      expect(saved?.id).toBe(sandbox.id);
      expect(lastRecord()).toMatchObject({ state: "stopped", intervals: { autoDelete: -1, ttl: 30 * 24 * 60 } });
      expect((await toArray(provider.list(newCall()))).map(({ id }) => id)).not.toContain(sandbox.id);
      await expect(provider.connect(sandbox.id, newCall())).rejects.toMatchObject({ code: "not-found" });
      const resumed = await provider.resume?.(sandbox.id, spec, newCall());
      if (!resumed) throw new Error("It can't resume.");
      expect(await read(resumed, "kept")).toBe("yes");
      expect(lastRecord()).toMatchObject({ intervals: { autoDelete: 10, ttl: 10 } });
      await resumed.destroy(newCall());
    },
  );

  it("stays paused when it can't be gone on with", async () => {
    const provider = newProvider();
    const sandbox = await provider.create(newSpec(), newCall());
    await sandbox.pause?.(newCall());
    emulator.faults.inject({
      kind: "error",
      method: "PUT /api/sandbox/:sandbox/labels",
      status: 403,
      message: "not allowed",
    });

    await expect(provider.resume?.(sandbox.id, newSpec(), newCall())).rejects.toMatchObject({ code: "auth" });

    expect(lastRecord()).toMatchObject({ state: "stopped", intervals: { autoDelete: -1 } });
    const resumed = await provider.resume?.(sandbox.id, newSpec(), newCall());
    await resumed?.destroy(newCall());
  });

  it("deletes a paused one, twice, and no other", async () => {
    const provider = newProvider();
    const paused = await provider.create(newSpec(), newCall());
    const running = await provider.create(newSpec(), newCall());
    await paused.pause?.(newCall());

    await provider.deleteSaved?.(paused.id, newCall());
    await provider.deleteSaved?.(paused.id, newCall());
    await provider.deleteSaved?.(running.id, newCall());

    await expect.poll(() => emulator.books.leaked()).toEqual([running.id]);
    await expect(provider.resume?.(paused.id, newSpec(), newCall())).rejects.toMatchObject({ code: "not-found" });
    await running.destroy(newCall());
  });

  it("keeps the file system as a snapshot, which others start from, and deletes that", async () => {
    const provider = newProvider();
    const spec = newSpec({ image: "python:3.13-slim" });
    const sandbox = await provider.create(spec, newCall());
    await runToEnd(sandbox, ["sh", "-c", "echo installed >/home/sandbox/tool; echo old >left-over"]);

    const { id } = await save(sandbox);
    await sandbox.destroy(newCall());

    expect(id).toMatch(/^snapshot:sandpiper-/);
    const other = await provider.create({ ...spec, image: id }, newCall());
    expect(await read(other, "/home/sandbox/tool")).toBe("installed\n");
    expect((await other.list(newCall())).paths).toEqual([]);
    await other.destroy(newCall());
    await provider.deleteSaved?.(id, newCall());
    await provider.deleteSaved?.(id, newCall());
    expect(emulator.books.snapshots).toEqual([]);
    await expect(provider.create({ ...spec, image: id }, newCall())).rejects.toMatchObject({ code: "not-found" });
  });

  it("lists snapshots to start from with what they give, the default one first", async () => {
    const provider = newProvider();
    const sandbox = await provider.create(newSpec(), newCall());
    const { id } = await save(sandbox);

    const [first, ...others] = (await provider.listImages?.(newCall())) ?? [];

    const sizes = { cpus: 1, memoryMiB: 1024, diskMiB: 3072 };
    expect(first).toEqual({ id: "snapshot:daytona-small", title: "daytona-small", ...sizes });
    expect(others.at(-1)).toEqual({ id, title: id.replace("snapshot:", ""), ...sizes });
    await sandbox.destroy(newCall());
    await provider.deleteSaved?.(id, newCall());
  });

  it("opens any port for who has the token, in the header that it names", async () => {
    const sandbox = await newProvider().create(newSpec({ network: "full" }), newCall());
    const running = await startText(sandbox, ["sh", "-c", "echo hello >page; exec python3 -um http.server 8123"]);
    await waitForText(running, "8123");

    const { url, token = "", tokenHeader = "" } = (await sandbox.ports?.open(8123, newCall())) ?? {};

    const page = await fetch(`${url}page`, { headers: { [tokenHeader]: token } });
    expect(await page.text()).toBe("hello\n");
    expect((await fetch(`${url}page`)).status).toBe(401);
    await expect(sandbox.ports?.open(0, newCall())).rejects.toMatchObject({ code: "invalid" });
    await sandbox.destroy(newCall());
  });
});
