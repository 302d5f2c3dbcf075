import { request } from "node:http";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import type { Provider, SandboxSpec } from "../../src/core/provider.ts";
import { createE2bProvider } from "../../src/providers/e2b/e2b-provider.ts";
import { startE2bEmulator } from "../emulators/e2b/e2b-emulator.ts";
import { E2B_SPEC, toE2bDeps } from "./e2b-subject.ts";
import { newCall, runToEnd, startText, toArray, waitForText } from "./run-to-end.ts";

const emulator = await startE2bEmulator({
  templates: [{ id: "largeoneslargeoneslar", alias: "large", cpuCount: 8, memoryMB: 4096 }],
});
afterAll(() => emulator.close());
afterEach(() => {
  emulator.faults.clear();
  expect(emulator.books.leaked()).toEqual([]);
});

const newProvider = (options: Record<string, string> = {}): Provider =>
  createE2bProvider(options, toE2bDeps(emulator.url));
const newSpec = (change: Partial<SandboxSpec> = {}): SandboxSpec => ({ ...E2B_SPEC, ...change });
const lastRecord = () => emulator.books.sandboxes.at(-1);
const recordOf = (id: string) => emulator.books.sandboxes.find((record) => record.id === id);
const countCalls = (method: string): number => emulator.books.calls[method] ?? 0;
const textWith = (part: string): unknown => expect.stringContaining(part);

describe("what a sandbox at E2B is made with", () => {
  it("is all of the spec and of the target", async () => {
    const spec = newSpec({
      lifetimeMs: 90_500,
      network: "allow-list",
      allowedHosts: ["pypi.org", "*.pythonhosted.org", "10.0.0.0/8", "192.0.2.7"],
    });
    const startedAt = Date.now();

    const sandbox = await newProvider({ autoPause: "true" }).create(spec, newCall());

    const record = lastRecord();
    expect(record).toMatchObject({
      autoPause: true,
      network: "allow-list",
      allowOut: ["10.0.0.0/8", "192.0.2.7/32", "pypi.org", "*.pythonhosted.org"],
      denyOut: ["0.0.0.0/0"],
      isPublic: false,
      metadata: { "label.contract.suite": "e2b" },
    });
    expect(record?.envNames).toContain("FROM_SPEC");
    const lastsMs = Date.parse(record?.endAt ?? "") - startedAt;
    expect(lastsMs).toBeGreaterThanOrEqual(90_500);
    expect(lastsMs).toBeLessThan(95_000);
    expect(sandbox.expiresAt.toISOString()).toBe(record?.endAt);
    await sandbox.destroy(newCall());
  });

  it("has the sizes of its template, and says so", async () => {
    const sandbox = await newProvider().create(newSpec({ image: "large" }), newCall());

    expect(sandbox.machine).toEqual({ cpus: 8, memoryMiB: 4096 });
    await sandbox.destroy(newCall());
  });

  it("may be any template or snapshot of the account, all of which are listed, the default first", async () => {
    const provider = newProvider();
    const sandbox = await provider.create(newSpec(), newCall());
    const saved = await sandbox.images?.save(60_000, newCall());

    const images = await provider.listImages?.(newCall());

    expect(images?.[0]).toMatchObject({ id: "code-interpreter-v1", cpus: 2, memoryMiB: 512 });
    expect(images).toContainEqual(expect.objectContaining({ id: "large", cpus: 8, memoryMiB: 4096 }));
    expect(images?.map(({ id }) => id)).toContain(saved?.id);
    await provider.deleteSaved?.(saved?.id ?? "", newCall());
    await sandbox.destroy(newCall());
  });

  it("is told with a way out when there is no such template", async () => {
    await expect(newProvider().create(newSpec({ image: "none-such" }), newCall())).rejects.toMatchObject({
      code: "not-found",
      message: textWith("Choose another image"),
    });
  });

  it("runs cells by its template's service where that is there, else by Python in the sandbox", async () => {
    const served = await newProvider().create(newSpec(), newCall());
    const plain = await newProvider().create(newSpec({ image: "base" }), newCall());

    expect(served.interpreter?.languages).toContain("r");
    expect(plain.interpreter?.languages).toEqual(["python"]);
    await Promise.all([served.destroy(newCall()), plain.destroy(newCall())]);
  });
});

describe("a cell's own variable", () => {
  it.each(["it's", 'say "x"', String.raw`back\slash`, "two\nlines"])(
    "is refused where E2B's interpreter would take it for code: %j",
    async (value) => {
      const sandbox = await newProvider().create(newSpec(), newCall());
      const context = await sandbox.interpreter?.createContext({ language: "python" }, newCall());

      const cell = { contextId: context?.id ?? "", code: "1", env: { SECRET: value } };
      const error: unknown = await sandbox.interpreter?.run(cell, newCall()).catch((caught: unknown) => caught);

      expect(error).toMatchObject({ code: "invalid", message: textWith("SECRET") });
      expect(String(error)).not.toContain(value);
      await sandbox.destroy(newCall());
    },
  );
});

describe("connecting to a sandbox", () => {
  it("leaves it the time that it has", async () => {
    const sandbox = await newProvider().create(newSpec({ lifetimeMs: 1_200_000 }), newCall());
    const endAt = lastRecord()?.endAt;

    const connected = await newProvider().connect(sandbox.id, newCall());

    expect(lastRecord()?.endAt).toBe(endAt);
    expect(connected.expiresAt).toEqual(sandbox.expiresAt);
    await connected.destroy(newCall());
  });

  it("costs it no more than a second where connecting shortens lives", async () => {
    const old = await startE2bEmulator({ connectShortens: true });
    try {
      const provider = createE2bProvider({}, toE2bDeps(old.url));
      const sandbox = await provider.create(newSpec({ lifetimeMs: 1_200_000 }), newCall());

      const connected = await provider.connect(sandbox.id, newCall());

      const lostMs = sandbox.expiresAt.getTime() - connected.expiresAt.getTime();
      expect(lostMs).toBeGreaterThanOrEqual(0);
      expect(lostMs).toBeLessThan(2000);
    } finally {
      await old.close();
    }
  });

  it("does not wake a paused one", async () => {
    const provider = newProvider();
    const sandbox = await provider.create(newSpec(), newCall());
    await sandbox.pause?.(newCall());

    await expect(provider.connect(sandbox.id, newCall())).rejects.toMatchObject({ code: "not-found" });

    expect(emulator.books.paused()).toContain(sandbox.id);
    await provider.deleteSaved?.(sandbox.id, newCall());
  });

  it("finds nobody else's", async () => {
    const key = { "x-api-key": toE2bDeps("").readCredential?.()?.["apiKey"] ?? "" };
    const body = JSON.stringify({ templateID: "base", timeout: 60 });
    const init = { method: "POST", headers: { ...key, "content-type": "application/json" }, body };
    await fetch(`${emulator.url}/v2/sandboxes`, init);
    const { id = "" } = lastRecord() ?? {};

    await expect(newProvider().connect(id, newCall())).rejects.toMatchObject({ code: "not-found" });
    expect((await toArray(newProvider().list(newCall()))).map((summary) => summary.id)).not.toContain(id);

    await fetch(`${emulator.url}/sandboxes/${id}`, { method: "DELETE", headers: key });
  });
});

describe("listing", () => {
  it("finds all, paused ones too, which have no end", async () => {
    const provider = newProvider();
    const labels = { "contract.test": "pages" };
    const made = await Promise.all(Array.from({ length: 3 }, () => provider.create(newSpec({ labels }), newCall())));
    await made[0]?.pause?.(newCall());

    const found = (await toArray(provider.list(newCall()))).filter((summary) => summary.labels["contract.test"]);

    expect(found.map(({ id }) => id).sort()).toEqual(made.map(({ id }) => id).sort());
    expect(found.find(({ id }) => id === made[0]?.id)).toMatchObject({ running: false });
    expect(found.find(({ id }) => id === made[0]?.id)).not.toHaveProperty("expiresAt");
    await provider.deleteSaved?.(made[0]?.id ?? "", newCall());
    await Promise.all(made.slice(1).map((sandbox) => sandbox.destroy(newCall())));
  });
});

describe("a port", () => {
  it("has an address that lets in only who sends the token, in E2B's own header", async () => {
    const sandbox = await newProvider().create(newSpec(), newCall());
    await runToEnd(sandbox, ["sh", "-c", "echo hello >index.html"]);
    const server = await startText(sandbox, ["python3", "-u", "-m", "http.server", "8000"]);
    await waitForText(server, "Serving");

    const address = await sandbox.ports?.open(8000, newCall());
    const { url = "", token = "", tokenHeader = "" } = address ?? {};

    expect(tokenHeader).toBe("e2b-traffic-access-token");
    expect(new URL(url).host).toMatch(new RegExp(`^8000-${sandbox.id}\\.localhost:\\d+$`));
    expect(await askPort(url, {})).toMatchObject({ status: 403 });
    expect(await askPort(url, { [tokenHeader]: token })).toEqual({ status: 200, text: "hello\n" });
    await expect(sandbox.ports?.open(0, newCall())).rejects.toMatchObject({ code: "invalid" });
    await sandbox.destroy(newCall());
  });
});

describe("a disk that fills", () => {
  it("ends commands with the reason, and can be used again once there is room", async () => {
    const sandbox = await newProvider().create(newSpec({ diskMiB: 8 }), newCall());
    const fill = "for i in 1 2 3 4 5 6; do head -c 3000000 /dev/zero >file$i; done; sleep 60";

    const { status } = await runToEnd(sandbox, ["sh", "-c", fill]);

    expect(status).toEqual({ kind: "lost", reason: textWith("more than its limit of 8 MiB") });
    expect((await runToEnd(sandbox, ["sh", "-c", "rm file*; echo room"])).stdout).toBe("room\n");
    await sandbox.destroy(newCall());
  });
});

describe("deleting what was saved", () => {
  it("leaves a sandbox that goes on alone, and what is gone already", async () => {
    const provider = newProvider();
    const sandbox = await provider.create(newSpec(), newCall());

    await provider.deleteSaved?.(sandbox.id, newCall());
    await provider.deleteSaved?.("none-such", newCall());

    expect(recordOf(sandbox.id)?.state).toBe("running");
    await sandbox.destroy(newCall());
  });

  it("deletes a snapshot", async () => {
    const provider = newProvider();
    const sandbox = await provider.create(newSpec(), newCall());
    const saved = await sandbox.images?.save(60_000, newCall());
    expect(emulator.books.snapshots).toContain(saved?.id);

    await provider.deleteSaved?.(saved?.id ?? "", newCall());

    expect(emulator.books.snapshots).not.toContain(saved?.id);
    await sandbox.destroy(newCall());
  });
});

describe("a snapshot", () => {
  it("is a fork with an empty workspace: what the other one had is put aside", async () => {
    const provider = newProvider();
    const sandbox = await provider.create(newSpec(), newCall());
    await runToEnd(sandbox, ["sh", "-c", "echo mine >file; echo installed >~/tool"]);
    const saved = await sandbox.images?.save(60_000, newCall());

    const fork = await provider.create(newSpec(saved ? { image: saved.id } : {}), newCall());

    expect((await runToEnd(fork, ["sh", "-c", "ls -A; cat ~/tool"])).stdout).toBe("installed\n");
    expect((await runToEnd(fork, ["cat", "/sandpiper.earlier/workspace/file"])).stdout).toBe("mine\n");
    expect((await runToEnd(sandbox, ["cat", "file"])).stdout).toBe("mine\n");
    await provider.deleteSaved?.(saved?.id ?? "", newCall());
    await Promise.all([fork.destroy(newCall()), sandbox.destroy(newCall())]);
    expect(countCalls("DeleteTemplate")).toBeGreaterThan(0);
  });
});

/** By the address rather than the name of the host, which is this machine's for browsers but not for every resolver. */
async function askPort(url: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  const { host, port } = new URL(url);
  return await new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path: "/", headers: { ...headers, host } }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asked.on("error", reject).end();
  });
}
