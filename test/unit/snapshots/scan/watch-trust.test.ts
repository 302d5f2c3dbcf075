import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { systemEvents } from "../../../../src/snapshots/scan/watch-queue.ts";
import { plant } from "../temp-folder.ts";
import { expectTruth, filtered, isCookie, listening, scanAfresh, type WatchWorld } from "./watch-world.ts";

const isLinux = process.platform === "linux";

/** Lets as much time go by, as the thread sees it. */
async function pass(world: WatchWorld, ms: number): Promise<void> {
  world.wait(ms);
  vi.advanceTimersByTime(ms);
  await world.rest();
}

describe.runIf(isLinux)("in the background", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
  afterEach(() => void vi.useRealTimers());

  it("everything is looked at every now and then, so that the next scan need not", async () => {
    const world = await listening();

    for (let at = 0; at < 6; at++) await pass(world, 30_000);

    expect(await expectTruth(world)).toBe(false);
  });

  it("a watcher that swallows a change is found out, and the next scan looks at everything", async () => {
    let swallowed: string | undefined;
    const world = await listening(filtered((_folder, tell, name) => void (name === swallowed || tell())));
    swallowed = "f";
    plant(world.root, { "a/b/f": "changed" });

    await pass(world, 30_000);

    expect(await expectTruth(world)).toBe(true);
    expect((await world.scan()).notes).toHaveLength(1);
  });

  it("what happens meanwhile is no reason for mistrust, nor lost when a scan cuts that short", async () => {
    const world = await listening();
    for (let at = 0; at < 20; at++) {
      vi.advanceTimersByTime(30_000);
      plant(world.root, { [`new-${at}/f`]: "1", "a/b/f": `round ${at}` });
      const rest = world.rest();
      if (at % 2 === 0) await expectTruth(world);
      plant(world.root, { [`new-${at}/f`]: "2 " });
      await rest;
      expect(await expectTruth(world)).toBe(false);
    }

    expect((await world.scan()).notes).toEqual([]);
  });

  it("a workspace that nobody used for ten minutes is not listened to any more", async () => {
    const closed: string[] = [];
    const world = await listening({
      watch(folder, onEvent, onError) {
        const opened = systemEvents.watch(folder, onEvent, onError);
        return { close: () => (closed.push(folder), opened.close()) };
      },
    });

    await pass(world, 570_000);
    expect(closed).toEqual([]);
    await pass(world, 30_000);

    expect(closed).toContain(join(world.root, "a/b"));
    expect(await expectTruth(world)).toBe(true);
  });
});

describe.runIf(isLinux)("a watcher", () => {
  it("that does not tell of the cookie is not asked further: everything is looked at", async () => {
    const world = await listening(filtered((folder, tell) => void (isCookie(folder) || tell())));

    plant(world.root, { "a/b/f": "changed" });

    expect(await expectTruth(world)).toBe(true);
  });

  it("that falls silent is noticed at the next scan", async () => {
    let isSilent = false;
    const world = await listening(filtered((_folder, tell) => void (isSilent || tell())));

    isSilent = true;
    plant(world.root, { "a/b/f": "changed" });

    expect(await expectTruth(world)).toBe(true);
  });

  it("that is late is not waited for: everything is looked at, and what comes then does no harm", async () => {
    const held: (() => void)[] = [];
    let isHeld = false;
    const world = await listening(filtered((_folder, tell) => (isHeld ? void held.push(tell) : tell())));

    isHeld = true;
    plant(world.root, { "a/b/f": "changed", "new/f": "1" });
    expect(await expectTruth(world)).toBe(true);
    isHeld = false;
    for (const tell of held) tell();
    await world.settle();
    plant(world.root, { "new/f": "2" });

    expect(await expectTruth(world)).toBe(false);
  });

  it("that swallows a change is found out by the next look at everything, and never believed again", async () => {
    let swallowed: string | undefined;
    const world = await listening(filtered((_folder, tell, name) => void (name === swallowed || tell())));
    swallowed = "f";
    plant(world.root, { "a/b/f": "changed" });

    // The window that remains: a hint cannot know what nobody tells.
    expect((await world.scan()).manifest.get("a/b/f")).not.toEqual(scanAfresh(world.root).manifest.get("a/b/f"));
    world.wait(60_001);
    const found = await world.scan();

    expect([...found.manifest]).toEqual([...scanAfresh(world.root).manifest]);
    expect(found.notes).toEqual([expect.stringContaining("did not tell of a change to a/b/f")]);
    await world.settle();
    plant(world.root, { "a/b/f": "changed again" });
    expect(await expectTruth(world)).toBe(true);
  });

  it("need not tell of files that changed lately: whoever has one mapped may go on writing without a word", async () => {
    let swallowed: string | undefined;
    const world = await listening(filtered((_folder, tell, name) => void (name === swallowed || tell())));
    plant(world.root, { "a/b/f": "told of" });
    await expectTruth(world);
    swallowed = "f";

    plant(world.root, { "a/b/f": "not told of" });

    expect(await expectTruth(world)).toBe(false);
  });

  it("that gives no watches costs nothing but the time", async () => {
    const world = await listening({
      watch() {
        throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
      },
    });

    plant(world.root, { "a/b/f": "changed" });

    expect(await expectTruth(world)).toBe(true);
  });

  it("that breaks is not believed", async () => {
    const breaks: (() => void)[] = [];
    const world = await listening({
      watch(folder, onEvent, onError) {
        breaks.push(onError);
        return systemEvents.watch(folder, () => onEvent("change", "x"), onError);
      },
    });

    for (const fail of breaks) fail();
    plant(world.root, { "a/b/f": "changed" });

    expect(await expectTruth(world)).toBe(true);
  });
});
