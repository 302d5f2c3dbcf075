import { describe, expect, it } from "vitest";
import { createObjectStore } from "../../../../src/snapshots/store/object-store.ts";
import { receiveTar } from "../../../../src/snapshots/archive/receive.ts";
import { toSha256 } from "../../../../src/snapshots/regular-file.ts";
import { rawEntry, rawTar, roomy, toBuffer } from "./tar-samples.ts";
import { listFolder, makeFolder } from "../temp-folder.ts";

const link = (name: string, target: string): Buffer => rawEntry({ name, type: "2", link: target });

describe("receiveTar", () => {
  it("stores contents and gives their entries in path order", async () => {
    const store = createObjectStore(makeFolder());

    const { entries, refused } = await receiveTar(
      rawTar(
        rawEntry({ name: "z.bin", content: "zz", mode: 0o755 }),
        rawEntry({ name: "a/", type: "5" }),
        link("l", "z.bin"),
      ),
      store,
      roomy,
    );

    const sha256 = toSha256("zz");
    expect([...entries]).toEqual([
      ["a", { type: "directory" }],
      ["l", { type: "link", target: "z.bin" }],
      ["z.bin", { type: "file", sha256, sizeBytes: 2, executable: true }],
    ]);
    expect(refused).toEqual([]);
    expect(String(await toBuffer(store.read(sha256)))).toBe("zz");
  });

  it("has no entry for a folder that something came in", async () => {
    const { entries } = await receiveTar(
      rawTar(rawEntry({ name: "a/", type: "5" }), rawEntry({ name: "a/b/", type: "5" }), rawEntry({ name: "a/b/c" })),
      createObjectStore(makeFolder()),
      roomy,
    );

    expect([...entries.keys()]).toEqual(["a/b/c"]);
  });

  it.each([
    ["l", "/etc/passwd"],
    ["l", "../x"],
    ["a/l", "../../x"],
    ["l", ".."],
    ["l", "a/../../x"],
    ["a/b/l", "../c/../../../x"],
    ["l", "C:\\x"],
    ["l", "\\\\srv\\share"],
    ["l", "..\\x"],
    ["l", ".git/hooks"],
  ])("refuses the link %s -> %s, which leads out of the workspace (security 3)", async (name, target) => {
    const { entries, refused } = await receiveTar(rawTar(link(name, target)), createObjectStore(makeFolder()), roomy);

    expect([...entries]).toEqual([]);
    expect(refused).toMatchObject([{ path: name, kind: "refused" }]);
  });

  it.each([
    ["l", "x"],
    ["a/b/l", "../../x"],
    ["a/l", ".."],
    ["l", "./a/b"],
  ])("takes the link %s -> %s, which stays in it", async (name, target) => {
    const { entries } = await receiveTar(rawTar(link(name, target)), createObjectStore(makeFolder()), roomy);

    expect(entries.get(name)).toEqual({ type: "link", target });
  });

  it.each([".git/hooks/pre-commit", "sub/.git/config", ".GIT/config", ".git"])(
    "refuses %s (security 10)",
    async (name) => {
      const { entries, refused } = await receiveTar(rawTar(rawEntry({ name })), createObjectStore(makeFolder()), roomy);

      expect(entries.size).toBe(0);
      expect(refused).toHaveLength(1);
    },
  );

  it("writes no name of the archive to the disk (security 1)", async () => {
    const folder = makeFolder();

    await receiveTar(
      rawTar(rawEntry({ name: "name", content: "x" }), rawEntry({ name: "../up" })),
      createObjectStore(folder),
      roomy,
    );

    const sha256 = toSha256("x");
    expect(listFolder(folder)).toEqual([`${sha256.slice(0, 2)}/`, `${sha256.slice(0, 2)}/${sha256.slice(2)}`]);
  });
});
