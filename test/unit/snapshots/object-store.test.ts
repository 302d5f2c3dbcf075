import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createObjectStore } from "../../../src/snapshots/object-store.ts";
import { toSha256 } from "../../../src/snapshots/regular-file.ts";
import { inPieces, toBuffer } from "./tar-samples.ts";
import { listFolder, makeFolder } from "./temp-folder.ts";

describe("the object store", () => {
  it.each([
    { name: "empty", content: Buffer.alloc(0) },
    { name: "binary", content: Buffer.from([0, 255, 13, 10, 0, 26]) },
    { name: "large", content: Buffer.alloc(5_000_000, "CRLF\r\n") },
  ])("gives back $name content to the byte (security 15)", async ({ content }) => {
    const store = createObjectStore(join(makeFolder(), "not", "there", "yet"));

    const { sha256, sizeBytes } = await store.put(inPieces(content));

    expect({ sha256, sizeBytes }).toEqual({ sha256: toSha256(content), sizeBytes: content.length });
    expect(content.equals(await toBuffer(store.read(sha256)))).toBe(true);
    expect(await store.has(sha256)).toBe(true);
  });

  it.each([10, 300_000])(
    "keeps one object of %i bytes, put many times at once, and leaves nothing beside it",
    async (sizeBytes) => {
      const folder = makeFolder();
      const content = Buffer.alloc(sizeBytes, "same");

      const puts = await Promise.all(
        Array.from({ length: 20 }, () => createObjectStore(folder).put(inPieces(content, 1000))),
      );

      const { sha256 } = puts[0] ?? { sha256: "" };
      expect(new Set(puts.map((put) => put.sha256)).size).toBe(1);
      expect(listFolder(folder)).toEqual([`${sha256.slice(0, 2)}/`, `${sha256.slice(0, 2)}/${sha256.slice(2)}`]);
    },
  );

  it("fails the reading of a damaged object, and takes the content again afterwards", async () => {
    const store = createObjectStore(makeFolder());
    const { sha256 } = await store.put([Buffer.from("right")]);
    writeFileSync(store.pathOf(sha256), "wrong");

    await expect(toBuffer(store.read(sha256))).rejects.toMatchObject({ name: "SandboxError", code: "unavailable" });
    await store.put([Buffer.from("right")]);

    expect(String(await toBuffer(store.read(sha256)))).toBe("right");
  });

  it("mends an object that a power cut left empty when it is put again", async () => {
    const store = createObjectStore(makeFolder());
    const { sha256 } = await store.put([Buffer.from("right")]);
    writeFileSync(store.pathOf(sha256), "");

    await store.put([Buffer.from("right")]);

    expect(String(await toBuffer(store.read(sha256)))).toBe("right");
  });

  it("says not-found for what it does not have, and refuses names that are none", async () => {
    const store = createObjectStore(makeFolder());

    await expect(toBuffer(store.read("0".repeat(64)))).rejects.toMatchObject({ code: "not-found" });
    expect(await store.has("0".repeat(64))).toBe(false);
    expect(() => store.pathOf("../../etc/passwd")).toThrowError(expect.objectContaining({ code: "invalid" }));
  });

  it.each([4, 500_000])(
    "leaves nothing behind when the content ends with an error after %i bytes",
    async (sizeBytes) => {
      const folder = makeFolder();

      await expect(createObjectStore(folder).put(failing(sizeBytes))).rejects.toThrow("the source failed");

      expect(readdirSync(folder)).toEqual([]);
    },
  );

  it("says what to do when it cannot write", async () => {
    const folder = makeFolder({ blocked: "a file in the place of the folder" });

    await expect(createObjectStore(join(folder, "blocked")).put([Buffer.from("x")])).rejects.toMatchObject({
      name: "SandboxError",
      code: "unavailable",
    });
    rmSync(join(folder, "blocked"));
  });
});

async function* failing(sizeBytes: number): AsyncIterable<Uint8Array> {
  yield Buffer.alloc(sizeBytes);
  throw new TypeError("the source failed");
}
