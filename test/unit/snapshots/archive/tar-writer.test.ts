import { execFileSync, spawnSync } from "node:child_process";
import { lstatSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { toSha256 } from "../../../../src/snapshots/regular-file.ts";
import { type TarInput, writeTar } from "../../../../src/snapshots/archive/tar-writer.ts";
import { contentOf, inPieces, readAll, toBuffer } from "./tar-samples.ts";
import { listFolder, makeFolder } from "../temp-folder.ts";

const longFolder = Array.from({ length: 6 }, (_, index) => `a-folder-with-a-long-name-${index}-${"x".repeat(30)}`).join(
  "/",
);
const longName = `${"n".repeat(200)}.txt`;
const longTarget = `${"../".repeat(40)}${"t".repeat(150)}`;

const inputs: readonly TarInput[] = [
  { type: "file", path: "plain.txt", sizeBytes: 5, executable: false, content: Buffer.from("hello") },
  { type: "file", path: "empty", sizeBytes: 0, executable: false, content: Buffer.alloc(0) },
  { type: "file", path: "run me.sh", sizeBytes: 3, executable: true, content: Buffer.from("a\r\n") },
  {
    type: "file",
    path: "grüße/日本語/😀.bin",
    sizeBytes: 4,
    executable: false,
    content: Buffer.from([0, 255, 10, 13]),
  },
  { type: "file", path: `${longFolder}/${longName}`, sizeBytes: 1, executable: false, content: Buffer.from("L") },
  { type: "file", path: longName, sizeBytes: 1, executable: false, content: Buffer.from("N") },
  { type: "link", path: "link", target: "plain.txt" },
  { type: "link", path: "long-link", target: longTarget },
  { type: "link", path: `${"k".repeat(180)}-link`, target: longTarget },
  { type: "directory", path: "hollow" },
  { type: "directory", path: `${longFolder}/hollow` },
  { type: "file", path: "block", sizeBytes: 512, executable: false, content: Buffer.alloc(512, 7) },
];

const systemTars = [
  { title: "GNU tar", command: ["tar", "-x", "-f"] },
  { title: "busybox tar", command: ["busybox", "tar", "-x", "-f"] },
  {
    title: "Python's tarfile",
    command: ["python3", "-c", "import sys,tarfile; tarfile.open(sys.argv[1]).extractall()"],
  },
];

describe("writeTar", () => {
  it.for(systemTars)("writes what $title unpacks to the byte", async ({ command }, { skip }) => {
    const [program = "", ...args] = command;
    skip(spawnSync(program, ["--help"]).error !== undefined, `${program} is not on this machine`);
    const folder = makeFolder();
    const archive = join(makeFolder(), "archive.tar");
    writeFileSync(archive, await toBuffer(writeTar(inputs)));

    execFileSync(program, [...args, archive], { cwd: folder, env: { ...process.env, LC_ALL: "C.UTF-8" } });

    for (const input of inputs) {
      const file = join(folder, input.path);
      if (input.type === "directory") expect(lstatSync(file).isDirectory()).toBe(true);
      else if (input.type === "link") expect(readlinkSync(file)).toBe(input.target);
      else {
        expect(readFileSync(file)).toEqual(input.content);
        expect((lstatSync(file).mode & 0o111) !== 0).toBe(input.executable);
      }
    }
    expect(listFolder(folder).filter((path) => !path.endsWith("/"))).toHaveLength(inputs.length - 2);
  });

  it("writes what its own reader reads", async () => {
    const entries = await readAll(writeTar(inputs));

    expect(entries.map(({ path }) => path)).toEqual(inputs.map(({ path }) => path));
    expect(entries.find(({ path }) => path === "long-link")).toEqual({
      type: "link",
      path: "long-link",
      target: longTarget,
    });
  });

  it("takes content as a stream", async () => {
    const content = Buffer.alloc(3_000_001, "stream ");

    const [entry] = await readAll(
      writeTar([
        { type: "file", path: "f", sizeBytes: content.length, executable: false, content: inPieces(content, 1000) },
      ]),
    );

    expect(toSha256(contentOf(entry))).toBe(toSha256(content));
  });

  it.each([
    { name: "cuts content that is longer than announced", content: `1234${"x".repeat(2000)}`, expected: "1234" },
    { name: "fills up content that is shorter than announced", content: "12", expected: "12\0\0" },
  ])("$name, so that what follows stays readable", async ({ content, expected }) => {
    const file = { type: "file", path: "f", sizeBytes: 4, executable: false, content: Buffer.from(content) } as const;

    const entries = await readAll(writeTar([file, { type: "link", path: "next", target: "f" }]));

    expect(String(entries[0]?.["content"])).toBe(expected);
    expect(entries[1]?.path).toBe("next");
  });

  it("keeps the size of a file too large for the octal field", async () => {
    const input = { type: "file", path: "huge", sizeBytes: 9_000_000_000, executable: false, content: [] } as const;

    const [first] = await firstPieces(writeTar([input]));

    expect(first?.includes("19 size=9000000000\n")).toBe(true);
  });
});

async function firstPieces(tar: AsyncIterable<Uint8Array>): Promise<Buffer[]> {
  for await (const piece of tar) return [Buffer.from(piece)];
  return [];
}
