import { existsSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Uri } from "vscode";
import { MirrorFolder } from "../../../../src/ui/virtual/mirror-folder.ts";
import { toMirrorRoot } from "../../../../src/ui/virtual/mirror-root.ts";
import { makeTempFolder, removeFolder } from "../../../rig/temp-folder.ts";
import { resetFake, state } from "../../../fakes/vscode.ts";

const SOURCE = Uri.from({ scheme: "memfs", path: "/there" });
let temp = "";

beforeEach(() => {
  resetFake();
  temp = makeTempFolder();
  put("a.txt", "a");
  put("pkg/b.txt", "bb");
  put(".git/HEAD", "ref");
});

afterEach(() => removeFolder(temp));

function put(path: string, text: string): void {
  state.disk.set(`/there/${path}`, text);
}

function open(): MirrorFolder {
  return new MirrorFolder(SOURCE, join(temp, "mirrors", "there"));
}

function here(mirror: MirrorFolder, path: string): string {
  return readFileSync(join(mirror.root, path), "utf8");
}

describe("the mirror of a folder that is not on disk", () => {
  it("is what the folder is, without what is never sent", async () => {
    const mirror = open();
    await mirror.refresh();

    expect(new Set(readdirSync(mirror.root, { recursive: true, encoding: "utf8" }))).toEqual(
      new Set(["a.txt", "pkg", "pkg/b.txt"]),
    );
    expect(here(mirror, "pkg/b.txt")).toBe("bb");
  });

  it("follows what changes, comes and goes there, in this window and the next", async () => {
    await open().refresh();
    put("a.txt", "changed");
    put("new.txt", "new");
    state.disk.delete("/there/pkg/b.txt");
    const mirror = open();
    await mirror.refresh();

    expect([here(mirror, "a.txt"), here(mirror, "new.txt")]).toEqual(["changed", "new"]);
    expect(existsSync(join(mirror.root, "pkg/b.txt"))).toBe(false);
  });

  it("becomes a folder where a file was, and a file where a folder was", async () => {
    const mirror = open();
    await mirror.refresh();
    state.disk.delete("/there/a.txt");
    state.disk.delete("/there/pkg/b.txt");
    put("a.txt/inner", "i");
    put("pkg", "p");
    await mirror.refresh();

    expect([here(mirror, "a.txt/inner"), here(mirror, "pkg")]).toEqual(["i", "p"]);
  });

  it("writes changes back: new, changed and deleted files", async () => {
    const mirror = open();
    await mirror.refresh();
    writeFileSync(join(mirror.root, "a.txt"), "applied");
    writeFileSync(join(mirror.root, "made.txt"), "made");
    await rm(join(mirror.root, "pkg/b.txt"));

    expect(await mirror.writeBack(["a.txt", "made.txt", "pkg/b.txt"])).toEqual({
      written: ["a.txt", "made.txt", "pkg/b.txt"],
      conflicts: [],
    });
    expect(Object.fromEntries(state.disk)).toEqual({
      "/there/.git/HEAD": "ref",
      "/there/a.txt": "applied",
      "/there/made.txt": "made",
    });
  });

  it("never overwrites what changed there since it was made, and takes that over", async () => {
    const mirror = open();
    await mirror.refresh();
    put("a.txt", "edited meanwhile");
    put("made.txt", "also made there");
    state.disk.delete("/there/pkg/b.txt");
    for (const path of ["a.txt", "made.txt", "pkg/b.txt"]) writeFileSync(join(mirror.root, path), "applied");

    const { written, conflicts } = await mirror.writeBack(["a.txt", "made.txt", "pkg/b.txt"]);
    await mirror.refresh();

    expect([written, conflicts]).toEqual([[], ["a.txt", "made.txt", "pkg/b.txt"]]);
    expect([here(mirror, "a.txt"), here(mirror, "made.txt")]).toEqual(["edited meanwhile", "also made there"]);
    expect(existsSync(join(mirror.root, "pkg/b.txt"))).toBe(false);
  });

  it("writes nothing through a link that a run made, in either direction", async () => {
    const mirror = open();
    await mirror.refresh();
    writeFileSync(join(temp, "secret"), "mine");
    symlinkSync(join(temp, "secret"), join(mirror.root, "link.txt"));
    expect(await mirror.writeBack(["link.txt"])).toEqual({ written: [], conflicts: ["link.txt"] });
    expect(state.disk.has("/there/link.txt")).toBe(false);

    symlinkSync(temp, join(mirror.root, "out"));
    put("out/secret", "overwritten");
    await expect(mirror.refresh()).rejects.toMatchObject({ code: "conflict" });
    expect(readFileSync(join(temp, "secret"), "utf8")).toBe("mine");
  });

  it("has a place of its own per folder, with the folder's name", () => {
    const other = Uri.from({ scheme: "memfs", path: "/elsewhere/there" });

    expect(toMirrorRoot("/m", SOURCE)).toMatch(/^\/m\/[0-9a-f]{16}\/there$/);
    expect(toMirrorRoot("/m", other)).not.toBe(toMirrorRoot("/m", SOURCE));
  });
});
