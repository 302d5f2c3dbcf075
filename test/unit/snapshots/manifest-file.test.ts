import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readManifest, writeManifest } from "../../../src/snapshots/manifest-file.ts";
import { type Entry, toManifest } from "../../../src/snapshots/manifest.ts";
import { toSha256 } from "../../../src/snapshots/regular-file.ts";
import { listFolder, makeFolder } from "./temp-folder.ts";

const entries: readonly (readonly [string, Entry])[] = [
  ['a \n"quoted" 😀.txt', { type: "file", sha256: toSha256("a"), sizeBytes: 1, executable: false }],
  ["b.sh", { type: "file", sha256: toSha256("b"), sizeBytes: 3_000_000_000, executable: true }],
  ["c", { type: "link", target: '../out \\ "side"' }],
  ["d", { type: "directory" }],
];

describe("a manifest on disk", () => {
  it("comes back as it was written, over what was there before", async () => {
    const folder = makeFolder({ "m.json": "what was there before" });
    const file = join(folder, "m.json");

    await writeManifest(file, toManifest(entries));

    expect([...(await readManifest(file))]).toEqual(entries);
    expect(listFolder(folder)).toEqual(["m.json"]);
  });

  it("is refused with a clear message when a newer version wrote it", async () => {
    const file = join(makeFolder({ m: '{"version":2,"entries":[]}' }), "m");

    await expect(readManifest(file)).rejects.toMatchObject({
      code: "unsupported",
      message: `${file} was written by a newer version of Sandpiper. Update this one.`,
    });
  });

  it("says what went wrong when it cannot be written", async () => {
    const folder = makeFolder({ blocked: "a file in the place of the folder" });

    await expect(writeManifest(join(folder, "blocked", "m"), toManifest([]))).rejects.toMatchObject({
      code: "unavailable",
    });
  });

  it("is not-found when there is none", async () => {
    await expect(readManifest(join(makeFolder(), "m"))).rejects.toMatchObject({ code: "not-found" });
  });

  it.each([
    "",
    "null",
    "{}",
    '{"version":"1","entries":[]}',
    '{"version":1,"entries":{}}',
    '{"version":1,"entries":[["../x","d"]]}',
    '{"version":1,"entries":[["x","f","nohash",1]]}',
    '{"version":1,"entries":[["x","?"]]}',
    '{"version":1,"entries":[["x"]]}',
    '{"version":1,"entries":[null]}',
  ])("is refused as damaged when it holds %j", async (text) => {
    await expect(readManifest(join(makeFolder({ m: text }), "m"))).rejects.toMatchObject({ code: "invalid" });
  });

  it("is refused as damaged when it was cut", async () => {
    const file = join(makeFolder(), "m");
    await writeManifest(file, toManifest(entries));
    writeFileSync(file, readFileSync(file).subarray(0, 100));

    await expect(readManifest(file)).rejects.toMatchObject({ code: "invalid" });
  });
});
