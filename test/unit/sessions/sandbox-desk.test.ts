import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_TARGET } from "../../../src/sessions/default-target.ts";
import { EngineBench } from "../../fakes/engine-bench.ts";
import { FakeClock } from "../../fakes/fake-clock.ts";
import { FakeCloudProvider } from "../../fakes/fake-cloud-provider.ts";
import { FakeProvider } from "../../fakes/fake-provider.ts";

const KEEPING = { ...DEFAULT_TARGET, options: { exitSnapshot: "true" } };

let bench: EngineBench;
let cloud: FakeCloudProvider;

beforeEach(async () => {
  bench = await EngineBench.create({}, (root) => (cloud = new FakeCloudProvider(root)));
});

afterEach(async () => {
  await bench.dispose();
});

async function start(target = DEFAULT_TARGET): Promise<{ readonly id: string; readonly sandboxId: string }> {
  const { id, sandboxId = "" } = await bench.engine.startSession(bench.workspace, target);
  return { id, sandboxId };
}

async function readExitImage(sessionId: string): Promise<string | undefined> {
  return (await bench.engine.listSessions()).find(({ id }) => id === sessionId)?.exitImage;
}

describe("a port", () => {
  it("of a session's sandbox can be reached from outside", async () => {
    const { id } = await start();

    expect(await bench.engine.openPort(id, 8080)).toEqual({ url: "https://8080.example", token: "secret" });
  });

  it.each([0, 65_536, 1.5, Number.NaN])("is not %d", async (port) => {
    const { id } = await start();

    await expect(bench.engine.openPort(id, port)).rejects.toMatchObject({ code: "invalid" });
  });
});

describe("an image", () => {
  it("is kept of a session's sandbox, for a while", async () => {
    const { id } = await start();

    const image = await bench.engine.saveImage(id);

    expect(image).toMatchObject({ id: "im-0", providerId: "local" });
    expect(Date.parse(image.expiresAt ?? "") - Date.now()).toBeGreaterThan(29 * 24 * 60 * 60_000);
  });

  it("that a sandbox left when it ended by itself is on its session's record, where the target asked for that", async () => {
    const { id, sandboxId } = await start(KEEPING);
    const other = await start();
    for (const sandbox of [sandboxId, other.sandboxId]) cloud.exitImages.set(sandbox, `im-${sandbox}`);
    const clock = new FakeClock(Date.now() + 2 * DEFAULT_TARGET.lifetimeMs);

    await bench.restart({ clock });

    await expect.poll(() => readExitImage(id), { timeout: 4000 }).toBe(`im-${sandboxId}`);
    expect(await readExitImage(other.id)).toBeUndefined();
  });

  it("is not looked for when the session was destroyed", async () => {
    const { id, sandboxId } = await start(KEEPING);
    cloud.exitImages.set(sandboxId, "im-1");
    let looked = false;
    cloud.findExitImage = async () => {
      looked = true;
      return undefined;
    };

    await bench.engine.destroySession(id);

    expect(looked).toBe(false);
    expect(await readExitImage(id)).toBeUndefined();
  });
});

describe("a provider that can do nothing of this", () => {
  it("is named as what to change", async () => {
    const plain = await EngineBench.create({}, (root) => new FakeProvider(root));
    const { id } = await plain.engine.startSession(plain.workspace, DEFAULT_TARGET);

    for (const ask of [
      () => plain.engine.openPort(id, 80),
      () => plain.engine.saveImage(id),
      () => plain.engine.pauseSession(id),
    ])
      await expect(ask()).rejects.toMatchObject({ code: "unsupported" });

    await plain.dispose();
  });
});
