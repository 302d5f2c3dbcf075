import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemEvents } from "../../../../src/snapshots/scan/watch-queue.ts";
import { makeFolder, plant } from "../temp-folder.ts";
import { expectTruth, FILES, filtered, isCookie, listening, openWorld } from "./watch-world.ts";

const isLinux = process.platform === "linux";

describe.runIf(isLinux)("a scan of a workspace that is listened to", () => {
  it("does not look at everything", async () => {
    const world = await listening();

    expect(await expectTruth(world)).toBe(false);
    expect(await expectTruth(world)).toBe(false);
  });

  it.each<{ what: string; change: (root: string) => void }>([
    { what: "a file was written", change: (root) => writeFileSync(join(root, "a/b/f"), "changed") },
    { what: "a file was appended to", change: (root) => appendFileSync(join(root, "top"), "x") },
    { what: "a file was cut", change: (root) => truncateSync(join(root, "c/d/h"), 1) },
    { what: "a file came", change: (root) => writeFileSync(join(root, "a/new"), "n") },
    { what: "a file went", change: (root) => unlinkSync(join(root, "c/d/h")) },
    { what: "a file moved", change: (root) => renameSync(join(root, "a/g"), join(root, "c/g")) },
    { what: "a file became a program", change: (root) => chmodSync(join(root, "top"), 0o755) },
    { what: "a link took a file's place", change: becomeLink },
    { what: "a file took another's place", change: replace },
    { what: "a folder came", change: (root) => plant(root, { "new/deep/er/f": "n", "new/g": "" }) },
    { what: "a folder went", change: (root) => rmSync(join(root, "a"), { recursive: true }) },
    { what: "a folder moved", change: (root) => renameSync(join(root, "a"), join(root, "c/d/a")) },
    { what: "folders changed places", change: swap },
    { what: "a folder went and came again", change: comeAgain },
    { what: "an empty folder came", change: (root) => mkdirSync(join(root, "a/hollow")) },
    { what: "a file took a folder's place", change: becomeFile },
  ])("sees that $what, and what happens there next", async ({ change }) => {
    const world = await listening();

    change(world.root);

    expect(await expectTruth(world)).toBe(false);
    for (const path of ["a/b/f", "c/d/h", "c/d/a/b/f", "new/deep/er/f", "a/hollow/f", "a/again"])
      tryTo(() => writeFileSync(join(world.root, path), "then"));
    expect(await expectTruth(world)).toBe(false);
  });

  it("sees what happens while it goes on, then or the next time", async () => {
    const world = await listening();

    const scan = world.scan();
    plant(world.root, { "a/b/f": "meanwhile", "while/f": "1" });
    await scan;

    await expectTruth(world);
    plant(world.root, { "while/f": "2" });
    await expectTruth(world);
  });

  it.each([
    { file: ".gitignore", text: "a/\n" },
    { file: "a/.gitignore", text: "b\n" },
    { file: "c/.sandboxignore", text: "d\n" },
    { file: ".git/info/exclude", text: "c/\n" },
  ])("looks at everything when $file changes, and listens to what that lets in", async ({ file, text }) => {
    const world = openWorld(makeFolder({ ...FILES, ".git/info/exclude": "" }));
    await world.settle();

    plant(world.root, { [file]: text });
    expect(await expectTruth(world)).toBe(true);
    await world.settle();
    plant(world.root, { [file]: "nothing\n" });
    await expectTruth(world);
    await world.settle();
    plant(world.root, { "a/b/f": "let in", "c/d/h": "let in" });

    expect(await expectTruth(world)).toBe(false);
  });

  it("looks at files each time that have another name outside of the workspace", async () => {
    const root = makeFolder(FILES);
    const other = join(makeFolder(), "other");
    linkSync(join(root, "a/g"), other);
    const world = openWorld(root);
    await world.settle();

    writeFileSync(other, "through the other name");

    expect(await expectTruth(world)).toBe(false);
  });

  it("looks at everything when a file turns out to have another name in the workspace", async () => {
    const world = await listening();

    linkSync(join(world.root, "a/g"), join(world.root, "c/linked"));
    expect(await expectTruth(world)).toBe(true);
    await world.settle();
    writeFileSync(join(world.root, "c/linked"), "both");

    expect(await expectTruth(world)).toBe(false);
  });

  it("looks at everything once a minute", async () => {
    const world = await listening();

    world.wait(59_000);
    expect(await expectTruth(world)).toBe(false);
    world.wait(1_001);
    expect(await expectTruth(world)).toBe(true);
    expect(await expectTruth(world)).toBe(false);
  });

  it("listens to a folder that came while it looked at everything", async () => {
    let isTime = false;
    const source = filtered((folder, tell) => {
      // Once the proof has been given, and before the look.
      if (isTime && isCookie(folder)) plant(root, { "late/f": "1" });
      isTime = false;
      tell();
    });
    const world = await listening(source);
    const { root } = world;
    world.wait(60_001);

    isTime = true;
    expect(await expectTruth(world)).toBe(true);
    plant(root, { "late/f": "2" });

    expect(await expectTruth(world)).toBe(false);
    plant(root, { "late/f": "three" });
    expect(await expectTruth(world)).toBe(false);
  });

  it("looks at everything when another folder took the workspace's place", async () => {
    const world = await listening();

    renameSync(world.root, `${world.root}-old`);
    renameSync(makeFolder({ ...FILES, "a/b/f": "other" }), world.root);

    expect(await expectTruth(world)).toBe(true);
    rmSync(`${world.root}-old`, { recursive: true });
  });

  it("looks at everything when another limit holds", async () => {
    const world = await listening();

    const { manifest, isVerified } = await world.scan({ maxFileBytes: 3 });

    expect([[...manifest.keys()], isVerified]).toEqual([["a/b/f", "a/g", "c/d", "top"], true]);
  });

  it("lays text on screen over what it knows, and takes it off again", async () => {
    const world = await listening();

    const { manifest } = await world.scan({ overlays: [{ path: "a/g", text: "on screen" }] });

    expect(manifest.get("a/g")).toMatchObject({ sizeBytes: 9 });
    expect(await expectTruth(world)).toBe(false);
  });

  it("looks at everything where there are more folders than may be watched", async () => {
    const world = openWorld(makeFolder(FILES), systemEvents, { watches: 4 });
    await world.settle();

    plant(world.root, { "a/b/f": "changed" });

    expect(await expectTruth(world)).toBe(true);
  });

  it("looks at everything when so much happened that the queue may not have held it", async () => {
    const world = openWorld(makeFolder(FILES), systemEvents, { queuedEvents: 100 });
    await world.settle();

    for (let at = 0; at < 60; at++) writeFileSync(join(world.root, `a/new-${at}`), "");

    expect(await expectTruth(world)).toBe(true);
    await world.settle();
    expect(await expectTruth(world)).toBe(false);
  });
});

function tryTo(act: () => void): void {
  try {
    act();
  } catch {
    // Not every path is there after every change.
  }
}

function becomeLink(root: string): void {
  unlinkSync(join(root, "a/g"));
  symlinkSync("../top", join(root, "a/g"));
}

function replace(root: string): void {
  writeFileSync(join(root, "other"), "3?3");
  renameSync(join(root, "other"), join(root, "top"));
}

function swap(root: string): void {
  renameSync(join(root, "a"), join(root, "x"));
  renameSync(join(root, "c"), join(root, "a"));
  renameSync(join(root, "x"), join(root, "c"));
}

function comeAgain(root: string): void {
  rmSync(join(root, "a/b"), { recursive: true });
  plant(root, { "a/b/f": "again" });
}

function becomeFile(root: string): void {
  rmSync(join(root, "a"), { recursive: true });
  writeFileSync(join(root, "a"), "file");
}
