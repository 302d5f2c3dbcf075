import { createServer } from "node:http";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import type { Provider, SandboxSpec } from "../../src/core/provider.ts";
import type { Sandbox } from "../../src/core/sandbox.ts";
import { createModalProvider } from "../../src/providers/modal/modal-provider.ts";
import { EMULATOR_TOKEN } from "../emulators/modal/credentials.ts";
import { startModalEmulator } from "../emulators/modal/modal-emulator.ts";
import { MODAL_SPEC, toEmulatorDeps } from "./modal-subject.ts";
import { newCall, runToEnd, startText, waitForText } from "./run-to-end.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const emulator = await startModalEmulator();
const sandboxes: Sandbox[] = [];
afterEach(async () => {
  for (const sandbox of sandboxes.splice(0)) await sandbox.destroy(newCall());
  expect(emulator.books.leaked()).toEqual([]);
});
afterAll(() => emulator.close());

const newProvider = (options: Record<string, string> = {}): Provider =>
  createModalProvider(options, toEmulatorDeps(emulator.url));
const create = async (provider: Provider = newProvider(), change: Partial<SandboxSpec> = {}): Promise<Sandbox> => {
  const sandbox = await provider.create({ ...MODAL_SPEC, ...change }, newCall());
  sandboxes.push(sandbox);
  return sandbox;
};
const sh = async (sandbox: Sandbox, script: string): Promise<string> =>
  (await runToEnd(sandbox, ["sh", "-c", script])).stdout;
/** The optional part, which has to be there. */
const need = <T>(part: T | undefined): T => {
  if (part === undefined) throw new Error("The provider lacks a part that this test is about.");
  return part;
};

describe("a workspace that Modal keeps", () => {
  it("comes back in another sandbox, to be run in and changed as before", async () => {
    const first = await create();
    await first.apply({ deletes: [] }, newCall());
    await sh(
      first,
      "mkdir -p src; echo one >src/a; ln -s src/a link; chmod 750 src; echo '#!/bin/sh' >run; chmod +x run",
    );
    const saved = await need(first.directorySnapshots).save(DAY_MS, newCall());
    await first.destroy(newCall());

    const second = await create();
    await need(second.directorySnapshots).mount(saved.id, newCall());

    expect(await sh(second, "cat src/a; readlink link; stat -c '%a %U' src run")).toBe(
      "one\nsrc/a\n750 sandbox\n755 sandbox\n",
    );
    expect(await sh(second, "echo two >>src/a && cat src/a")).toBe("one\ntwo\n");
  });

  it("counts as touched from end to end until something is brought, and after that only what changed", async () => {
    const first = await create();
    await first.apply({ deletes: [] }, newCall());
    await sh(first, "echo one >kept; echo two >changed");
    const saved = await need(first.directorySnapshots).save(DAY_MS, newCall());
    const second = await create();
    await need(second.directorySnapshots).mount(saved.id, newCall());

    const atFirst = await second.list(newCall());
    const marks = await sh(second, "ls -A ../private | grep -v pid");
    await second.apply({ deletes: [] }, newCall());
    await sh(second, "echo three >>changed");
    const later = await second.list(newCall());

    expect(marks).toBe("");
    expect(atFirst.paths.toSorted()).toEqual(["changed", "kept"]);
    expect(atFirst.touched.toSorted()).toEqual(["changed", "kept"]);
    expect(later.paths.toSorted()).toEqual(["changed", "kept"]);
    expect(later.touched).toEqual(["changed"]);
  });

  it("has the time until which Modal keeps it, in whole seconds", async () => {
    const sandbox = await create();
    const before = Date.now();

    const saved = await need(sandbox.directorySnapshots).save(90_500, newCall());

    expect(need(saved.expiresAt).getTime()).toBeGreaterThanOrEqual(before + 91_000);
    expect(need(saved.expiresAt).getTime()).toBeLessThanOrEqual(Date.now() + 91_000);
    await expect(need(sandbox.directorySnapshots).save(0, newCall())).rejects.toMatchObject({ code: "invalid" });
  });

  it("is gone once it was deleted, twice", async () => {
    const provider = newProvider();
    const sandbox = await create(provider);
    const saved = await need(sandbox.directorySnapshots).save(DAY_MS, newCall());

    await provider.deleteSaved?.(saved.id, newCall());
    await provider.deleteSaved?.(saved.id, newCall());

    await expect(need(sandbox.directorySnapshots).mount(saved.id, newCall())).rejects.toMatchObject({
      code: "not-found",
    });
  });

  it("is told to be gone when its sandbox is", async () => {
    const sandbox = await create();
    await sandbox.destroy(newCall());

    await expect(need(sandbox.directorySnapshots).save(DAY_MS, newCall())).rejects.toMatchObject({ code: "not-found" });
  });

  it("belongs to the account and the environment that it was saved in", () => {
    const other = { ...toEmulatorDeps(emulator.url), readCredential: () => ({ tokenId: "ak-other" }) };
    const place = newProvider().savedStatePlace;

    expect(newProvider().savedStatePlace).toBe(place);
    expect(newProvider({ environment: "dev" }).savedStatePlace).not.toBe(place);
    expect(createModalProvider({}, other).savedStatePlace).not.toBe(place);
    expect(place).not.toContain(EMULATOR_TOKEN.tokenId);
  });
});

describe("a file system that Modal keeps", () => {
  it("is an image that another sandbox starts from, with a workspace of its own and the old one aside", async () => {
    const first = await create();
    await sh(first, "echo installed >~/tool; echo mine >file");
    const image = await need(first.images).save(DAY_MS, newCall());

    const second = await create(newProvider(), { image: image.id });

    expect(await sh(second, "cat ~/tool; ls -A")).toBe("installed\n");
    expect(await sh(second, "cat /sandpiper.earlier/workspace/file")).toBe("mine\n");
  });

  it("is refused by its id when it is gone", async () => {
    await expect(
      newProvider().create({ ...MODAL_SPEC, image: "im-0123456789abcdefghijkl" }, newCall()),
    ).rejects.toMatchObject({ code: "not-found" });
  });

  it("is kept at the end where the target asks for that, and only there", async () => {
    const provider = newProvider({ exitSnapshot: "true" });
    const sandbox = await create(provider);
    await sh(sandbox, "echo last words >file");
    await sandbox.destroy(newCall());

    const image = await provider.findExitImage?.(sandbox.id, newCall());
    const next = await create(provider, { image: need(image).id });

    expect(await sh(next, "cat /sandpiper.earlier/workspace/file")).toBe("last words\n");
    expect(newProvider()).not.toHaveProperty("findExitImage");
  });

  it("is none where the sandbox was made without", async () => {
    const sandbox = await create();
    await sandbox.destroy(newCall());

    const provider = newProvider({ exitSnapshot: "true" });
    expect(provider).toHaveProperty("findExitImage");
    expect(await provider.findExitImage?.(sandbox.id, newCall())).toBeUndefined();
  });
});

describe("a sandbox that is paused", () => {
  it("goes on in another, with its files, and costs nothing meanwhile", async () => {
    const provider = newProvider({ memorySnapshot: "true" });
    const first = await create(provider);
    await sh(first, "echo before >file");

    const paused = need(await first.pause?.(newCall()));
    expect(emulator.books.leaked()).toEqual([]);
    const second = need(await provider.resume?.(paused.id, MODAL_SPEC, newCall()));
    sandboxes.push(second);

    expect(await sh(second, "cat file")).toBe("before\n");
    expect(need(paused.expiresAt).getTime()).toBeGreaterThan(Date.now() + 6 * DAY_MS);
    const again = await provider.connect(second.id, newCall());
    expect(again.expiresAt).toEqual(second.expiresAt);
    expect(again).toHaveProperty("pause");
    await expect(first.exec({ argv: ["true"] }, newCall())).rejects.toMatchObject({ code: "not-found" });
  });

  it("is not offered where the target does not ask for it, and refused with a GPU", async () => {
    expect(newProvider()).not.toHaveProperty("resume");
    expect(await create()).not.toHaveProperty("pause");
    await expect(
      newProvider({ memorySnapshot: "true" }).create({ ...MODAL_SPEC, gpu: "L4" }, newCall()),
    ).rejects.toMatchObject({ code: "unsupported" });
  });

  it("is not found when Modal has forgotten it", async () => {
    const provider = newProvider({ memorySnapshot: "true" });

    await expect(provider.resume?.("sn-0123456789", MODAL_SPEC, newCall())).rejects.toMatchObject({
      code: "not-found",
    });
  });
});

describe("a port of a sandbox", () => {
  it("has a tunnel when it was named at the start, and an address with a token otherwise", async () => {
    const sandbox = await create(newProvider(), { ports: [8123] });

    const named = await need(sandbox.ports).open(8123, newCall());
    const other = await need(sandbox.ports).open(9000, newCall());

    expect(named.url).toMatch(/^https?:\/\//);
    expect(named.token).toBeUndefined();
    expect(other.url).toMatch(/^https?:\/\//);
    expect(other.token).toMatch(/./);
  });

  it("is refused when there is no such number", async () => {
    const sandbox = await create();

    await expect(need(sandbox.ports).open(0, newCall())).rejects.toMatchObject({ code: "invalid" });
  });

  it("leads to what listens there", async () => {
    const free = await findFreePort();
    const sandbox = await create(newProvider(), { ports: [free], network: "full" });
    const server = await startText(sandbox, [
      "python3",
      "-u",
      "-m",
      "http.server",
      String(free),
      "--bind",
      "127.0.0.1",
    ]);
    await waitForText(server, "Serving HTTP");

    const { url } = await need(sandbox.ports).open(free, newCall());
    const answer = await fetch(url.replace(/^https:/, "http:"));

    expect(answer.status).toBe(200);
  });
});

/** The emulated network is this machine's. */
async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}
