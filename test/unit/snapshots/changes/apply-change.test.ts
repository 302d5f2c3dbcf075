import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { applyToDisk } from "../../../../src/snapshots/changes/apply-change.ts";
import { readDiskEntry } from "../../../../src/snapshots/changes/disk-entry.ts";
import type { Entry } from "../../../../src/snapshots/manifest.ts";
import { toObjectFile } from "../../../../src/snapshots/store/object-file.ts";
import { createObjectStore, type ObjectStore } from "../../../../src/snapshots/store/object-store.ts";
import { toSha256 } from "../../../../src/snapshots/regular-file.ts";
import { listFolder, makeFolder } from "../temp-folder.ts";

const file = (content: string | Uint8Array, executable = false): Entry => ({
  type: "file",
  sha256: toSha256(content),
  sizeBytes: content.length,
  executable,
});
const folder: Entry = { type: "directory" };
const link = (target: string): Entry => ({ type: "link", target });

async function storeOf(...contents: readonly (string | Uint8Array)[]): Promise<ObjectStore> {
  const store = createObjectStore(makeFolder());
  for (const content of contents) await store.put([Buffer.from(content)]);
  return store;
}

/** What `request` leaves: the outcome, and every path of the workspace. */
async function apply(
  root: string,
  path: string,
  sides: { expected?: Entry; theirs?: Entry; store?: ObjectStore },
): Promise<string> {
  const store = sides.store ?? (await storeOf("old", "new"));
  return await applyToDisk({ root, path, expected: sides.expected, theirs: sides.theirs, store });
}

describe("applyToDisk", () => {
  it.each([
    { name: "text", content: "new\n" },
    { name: "an empty file", content: "" },
    { name: "CRLF and no last line end", content: "a\r\nb" },
    { name: "UTF-16", content: Buffer.from("\ufeffwide", "utf16le") },
    { name: "binary", content: Buffer.from([0, 1, 255, 26, 13, 10]) },
    { name: "9 MiB", content: Buffer.alloc(9 * 1024 * 1024, "0123456789abcdef\n") },
  ])("writes $name to the byte, in folders that it makes (security 15)", async ({ content }) => {
    const root = makeFolder();

    const outcome = await apply(root, "a/b/f", { theirs: file(content), store: await storeOf(content) });

    expect(outcome).toBe("applied");
    expect(readFileSync(join(root, "a/b/f")).equals(Buffer.from(content))).toBe(true);
    expect(listFolder(root)).toEqual(["a/", "a/b/", "a/b/f"]);
  });

  it("replaces what it expects, and leaves no temporary file", async () => {
    const root = makeFolder({ f: "old" });

    expect(await apply(root, "f", { expected: file("old"), theirs: file("new") })).toBe("applied");

    expect(readFileSync(join(root, "f"), "utf8")).toBe("new");
    expect(listFolder(root)).toEqual(["f"]);
  });

  it.each([
    { what: "changed", disk: "mine", expected: file("old") },
    { what: "made", disk: "mine", expected: undefined },
    { what: "deleted", disk: undefined, expected: file("old") },
  ])("leaves a file alone that the user $what meanwhile (security 14)", async ({ disk, expected }) => {
    const root = makeFolder(disk === undefined ? {} : { f: disk });

    expect(await apply(root, "f", { ...(expected ? { expected } : {}), theirs: file("new") })).toBe("conflict");

    expect(existsSync(join(root, "f")) ? readFileSync(join(root, "f"), "utf8") : undefined).toBe(disk);
    expect(listFolder(root)).toEqual(disk === undefined ? [] : ["f"]);
  });

  it("notices a change made while the content is being written (security 14)", async () => {
    const root = makeFolder({ f: "old" });
    const store = await storeOf("new");
    const slow: ObjectStore = {
      ...store,
      async *read(sha256) {
        writeFileSync(join(root, "f"), "MINE");
        yield* store.read(sha256);
      },
    };

    expect(await apply(root, "f", { expected: file("old"), theirs: file("new"), store: slow })).toBe("conflict");

    expect(readFileSync(join(root, "f"), "utf8")).toBe("MINE");
    expect(listFolder(root)).toEqual(["f"]);
  });

  it("does not replace a file made while the content is being written (security 14)", async () => {
    const root = makeFolder();
    const store = await storeOf("new");
    const slow: ObjectStore = {
      ...store,
      async *read(sha256) {
        writeFileSync(join(root, "f"), "MINE");
        yield* store.read(sha256);
      },
    };

    expect(await apply(root, "f", { theirs: file("new"), store: slow })).toBe("conflict");

    expect(readFileSync(join(root, "f"), "utf8")).toBe("MINE");
    expect(listFolder(root)).toEqual(["f"]);
  });

  it("writes nothing at all when the kept content is damaged", async () => {
    const root = makeFolder({ f: "old" });
    const kept = makeFolder();
    const store = createObjectStore(kept);
    await store.put([Buffer.from("new")]);
    writeFileSync(toObjectFile(kept, toSha256("new")), "bad");

    await expect(apply(root, "f", { expected: file("old"), theirs: file("new"), store })).rejects.toMatchObject({
      code: "unavailable",
    });

    expect(readFileSync(join(root, "f"), "utf8")).toBe("old");
    expect(listFolder(root)).toEqual(["f"]);
  });

  it("takes folders along that a deletion leaves empty, up to the workspace or one that holds something", async () => {
    const root = makeFolder({ "keep/a/b/gone": "old", "keep/mine": "x", "gone/too": "old" });

    await apply(root, "keep/a/b/gone", { expected: file("old") });
    await apply(root, "gone/too", { expected: file("old") });

    expect(listFolder(root)).toEqual(listFolder(makeFolder({ "keep/mine": "x" })));
  });

  it("deletes what it expects, and nothing else", async () => {
    const root = makeFolder({
      f: "old",
      g: "mine",
      l: { link: "g" },
      d: { folder: true },
      full: { folder: true },
      "full/x": "mine",
    });

    expect(await apply(root, "f", { expected: file("old") })).toBe("applied");
    expect(await apply(root, "g", { expected: file("old") })).toBe("conflict");
    expect(await apply(root, "l", { expected: link("g") })).toBe("applied");
    expect(await apply(root, "d", { expected: folder })).toBe("applied");
    expect(await apply(root, "full", { expected: folder })).toBe("conflict");
    expect(await apply(root, "never/there", {})).toBe("applied");

    expect(listFolder(root).sort()).toEqual(["full/", "full/x", "g"]);
  });

  it("puts a file where an empty folder is, and leaves one with files alone", async () => {
    const root = makeFolder({ hollow: { folder: true }, "full/mine": "precious" });

    expect(await apply(root, "hollow", { theirs: file("new") })).toBe("applied");
    expect(await apply(root, "full", { theirs: file("new") })).toBe("conflict");
    expect(await apply(root, "full", { expected: folder, theirs: file("new") })).toBe("conflict");

    expect(readFileSync(join(root, "hollow"), "utf8")).toBe("new");
    expect(readFileSync(join(root, "full/mine"), "utf8")).toBe("precious");
    expect(listFolder(root).sort()).toEqual(["full/", "full/mine", "hollow"]);
  });

  it("puts a folder where a file is that it expects", async () => {
    const root = makeFolder({ f: "old", g: "mine" });

    expect(await apply(root, "f", { expected: file("old"), theirs: folder })).toBe("applied");
    expect(await apply(root, "g", { expected: file("old"), theirs: folder })).toBe("conflict");
    expect(await apply(root, "new", { theirs: folder })).toBe("applied");

    expect(listFolder(root).sort()).toEqual(["f/", "g", "new/"]);
  });

  it("reports a conflict for a file below something that is a file", async () => {
    const root = makeFolder({ f: "mine" });

    expect(await apply(root, "f/x", { theirs: file("new") })).toBe("conflict");

    expect(readFileSync(join(root, "f"), "utf8")).toBe("mine");
  });

  it("makes links, over files and links that it expects", async () => {
    const root = makeFolder({ f: "old", l: { link: "f" } });

    expect(await apply(root, "new", { theirs: link("f") })).toBe("applied");
    expect(await apply(root, "l", { expected: link("f"), theirs: link("new") })).toBe("applied");
    expect(await apply(root, "f", { expected: file("old"), theirs: link("l") })).toBe("applied");

    expect(["new", "l", "f"].map((name) => readlinkSync(join(root, name)))).toEqual(["f", "new", "l"]);
    expect(listFolder(root)).toHaveLength(3);
  });

  it("replaces a link itself, never what it leads to (security 5)", async () => {
    const outside = makeFolder({ secret: "secret" });
    const root = makeFolder({ l: { link: join(outside, "secret") } });

    expect(await apply(root, "l", { expected: link(join(outside, "secret")), theirs: file("new") })).toBe("applied");

    expect(readFileSync(join(outside, "secret"), "utf8")).toBe("secret");
    expect(lstatSync(join(root, "l")).isFile()).toBe(true);
  });

  it.each([undefined, file("old")])(
    "goes through no link that the user has in the workspace (security 5)",
    async (expected) => {
      const outside = makeFolder({ f: "old" });
      const root = makeFolder({ out: { link: outside } });

      expect(await apply(root, "out/f", { ...(expected ? { expected } : {}), theirs: file("new") })).toBe("conflict");
      expect(await apply(root, "out/f", expected ? { expected } : {})).toBe(expected ? "conflict" : "applied");
      expect(await apply(root, "out/sub/f", { theirs: file("new") })).toBe("conflict");

      expect(listFolder(outside)).toEqual(["f"]);
      expect(readFileSync(join(outside, "f"), "utf8")).toBe("old");
    },
  );

  it.runIf(process.platform === "linux")(
    "stays in the folder it checked when that is swapped for a link meanwhile (security 6)",
    async () => {
      const outside = makeFolder({ f: "old" });
      const root = makeFolder({ "d/f": "old" });
      const store = await storeOf("new");
      const racing: ObjectStore = {
        ...store,
        async *read(sha256) {
          renameSync(join(root, "d"), join(root, "moved"));
          symlinkSync(outside, join(root, "d"));
          yield* store.read(sha256);
        },
      };

      await apply(root, "d/f", { expected: file("old"), theirs: file("new"), store: racing });

      expect(readFileSync(join(outside, "f"), "utf8")).toBe("old");
      expect(listFolder(outside)).toEqual(["f"]);
      expect(readFileSync(join(root, "moved/f"), "utf8")).toBe("new");
    },
  );

  it.each(["../x", "/etc/x", "a/../../x", "", "a\0b"])("refuses the path %j (security 1, 2)", async (path) => {
    await expect(apply(makeFolder(), path, { theirs: file("new") })).rejects.toMatchObject({ code: "invalid" });
  });

  it.each([".git/hooks/pre-commit", "sub/.git/config", ".GIT/HEAD"])(
    "never writes %s, asked or not (security 10)",
    async (path) => {
      const root = makeFolder({ ".git/hooks": { folder: true } });

      await expect(apply(root, path, { theirs: file("new") })).rejects.toMatchObject({ code: "blocked" });

      expect(listFolder(root).sort()).toEqual([".git/", ".git/hooks/"]);
    },
  );

  it.each(["/root/.ssh", "../../x"])("makes no link to %s (security 3)", async (target) => {
    const root = makeFolder();

    await expect(apply(root, "l", { theirs: link(target) })).rejects.toMatchObject({ code: "blocked" });

    expect(listFolder(root)).toEqual([]);
  });

  it("gives new files the mode that the umask leaves, and an executable one the right to run (security 13)", async () => {
    const root = makeFolder();
    const before = process.umask(0o027);
    try {
      await apply(root, "data", { theirs: file("new") });
      await apply(root, "tool", { theirs: file("new", true) });
    } finally {
      process.umask(before);
    }

    expect((statSync(join(root, "data")).mode & 0o7777).toString(8)).toBe("640");
    expect((statSync(join(root, "tool")).mode & 0o7777).toString(8)).toBe("750");
  });

  it("keeps the permissions of a file, but for the right to run (security 13)", async () => {
    const root = makeFolder({ private: "old", tool: { program: "old" } });
    chmodSync(join(root, "private"), 0o600);

    await apply(root, "private", { expected: file("old"), theirs: file("new", true) });
    await apply(root, "tool", { expected: file("old", true), theirs: file("new") });

    expect((statSync(join(root, "private")).mode & 0o7777).toString(8)).toBe("700");
    expect((statSync(join(root, "tool")).mode & 0o7777).toString(8)).toBe("644");
  });

  it("works in a workspace that is reached through a link", async () => {
    const real = makeFolder({ f: "old" });
    const root = join(makeFolder({ way: { link: real } }), "way");

    expect(await apply(root, "f", { expected: file("old"), theirs: file("new") })).toBe("applied");

    expect(readFileSync(join(real, "f"), "utf8")).toBe("new");
  });

  it("says what went wrong when the disk refuses", async () => {
    const root = join(makeFolder(), "gone");
    mkdirSync(root);
    rmSync(root, { recursive: true });

    await expect(apply(root, "f", { theirs: file("new") })).rejects.toMatchObject({
      name: "SandboxError",
      code: "unavailable",
    });
  });
});

describe("readDiskEntry", () => {
  it("tells files, links, folders and nothing apart", async () => {
    const root = makeFolder({ "d/f": "old", "d/t": { program: "old" }, l: { link: "d/f" } });

    const read = (path: string): Promise<Entry | undefined> => readDiskEntry(root, path);

    expect(await read("d/f")).toEqual(file("old"));
    expect(await read("d/t")).toEqual(file("old", true));
    expect(await read("l")).toEqual(link("d/f"));
    expect(await read("d")).toEqual(folder);
    expect(await read("none")).toBeUndefined();
    expect(await read("none/at/all")).toBeUndefined();
    expect(await read("d/f/below")).toBeUndefined();
  });

  it("sees nothing through a link (security 5)", async () => {
    const root = makeFolder({ out: { link: makeFolder({ f: "secret" }) } });

    expect(await readDiskEntry(root, "out/f")).toBeUndefined();
  });

  it("refuses paths that climb (security 1)", async () => {
    await expect(readDiskEntry(makeFolder(), "../x")).rejects.toMatchObject({ code: "invalid" });
  });
});
