import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, linkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import { encodePaxRecord } from "../../../../src/snapshots/archive/pax.ts";
import { inPieces, rawEntry, rawTar, readAll, roomy } from "./tar-samples.ts";
import { makeFolder } from "../temp-folder.ts";

const pax = (...records: readonly (readonly [string, string])[]): Buffer =>
  rawEntry({
    name: "PaxHeader",
    type: "x",
    content: Buffer.concat(records.map(([keyword, value]) => encodePaxRecord(keyword, Buffer.from(value)))),
  });

const long = `deep/${"d".repeat(120)}/${"e".repeat(120)}.txt`;

function plantTree(): string {
  const folder = makeFolder({
    "a.txt": "alpha",
    tool: { program: "#!/bin/sh\n" },
    "grüße/日本語 😀.txt": "unicode",
    [long]: "long",
    empty: { folder: true },
    link: { link: "a.txt" },
    "long-link": { link: `x/${"y".repeat(150)}` },
  });
  return folder;
}

const writers = [
  { title: "GNU tar, gnu format", command: ["tar", "--format=gnu", "-c", "-C"] },
  { title: "GNU tar, pax format", command: ["tar", "--format=pax", "-c", "-C"] },
  { title: "GNU tar, posix with sub-second times", command: ["tar", "--format=posix", "--sort=name", "-c", "-C"] },
  { title: "busybox tar", command: ["busybox", "tar", "-c", "-C"] },
];

describe("readTar", () => {
  it.for(writers)("reads what $title writes", async ({ command }, { skip }) => {
    const [program = "", ...args] = command;
    skip(spawnSync(program, ["--help"]).error !== undefined, `${program} is not on this machine`);
    const folder = plantTree();

    const entries = await readAll(inPieces(execFileSync(program, [...args, folder, "-f", "-", "."]), 777));

    const found = new Map(entries.map((entry) => [entry.path, entry]));
    expect(String(found.get("a.txt")?.["content"])).toBe("alpha");
    expect(found.get("tool")).toMatchObject({ type: "file", executable: true });
    expect(String(found.get("grüße/日本語 😀.txt")?.["content"])).toBe("unicode");
    expect(String(found.get(long)?.["content"])).toBe("long");
    expect(found.get("empty")).toEqual({ type: "directory", path: "empty" });
    expect(found.get("link")).toEqual({ type: "link", path: "link", target: "a.txt" });
    expect(found.get("long-link")).toMatchObject({ target: `x/${"y".repeat(150)}` });
    expect(entries.filter(({ type }) => type === "refused")).toEqual([]);
  });

  it("refuses hard links and pipes from GNU tar, and reads on (security 4, 13)", async () => {
    const folder = makeFolder({ a: "content", z: "last" });
    linkSync(join(folder, "a"), join(folder, "b"));
    execFileSync("mkfifo", [join(folder, "pipe")]);

    const entries = await readAll(inPieces(execFileSync("tar", ["-c", "-C", folder, "a", "b", "pipe", "z"])));

    expect(entries.map(({ type, path }) => [type, path])).toEqual([
      ["file", "a"],
      ["refused", "b"],
      ["refused", "pipe"],
      ["file", "z"],
    ]);
  });

  it("refuses a hard link to outside, its target unseen (security 4)", async () => {
    const entries = await readAll(rawTar(rawEntry({ name: "x", type: "1", link: "../../etc/passwd" })));

    expect(entries).toEqual([{ type: "refused", path: "x", reason: "it is a hard link" }]);
  });

  it.each(["3", "4", "6", "D", "V", "Z"])(
    "refuses an entry of type %s and reads on after its content (security 13)",
    async (type) => {
      const entries = await readAll(
        rawTar(rawEntry({ name: "odd", type, content: "x".repeat(600) }), rawEntry({ name: "next" })),
      );

      expect(entries.map((entry) => [entry.type, entry.path])).toEqual([
        ["refused", "odd"],
        ["file", "next"],
      ]);
    },
  );

  it.each(["../x", "a/../../x", "a/..", "..", "a/./b", "a//b", ""])(
    "refuses the path %j, which climbs or is not plain (security 1)",
    async (name) => {
      const entries = await readAll(
        rawTar(pax(["path", name]), rawEntry({ name: "harmless" }), rawEntry({ name: "next" })),
      );

      expect(entries.map(({ type }) => type)).toEqual(["refused", "file"]);
    },
  );

  it.each(["/etc/cron.d/x", "//srv/share", "/", "/../x"])("refuses the absolute path %s (security 2)", async (name) => {
    const entries = await readAll(rawTar(rawEntry({ name }), rawEntry({ name: "d" + name, type: "5" })));

    expect(entries[0]?.type).toBe("refused");
  });

  it.each(["C:\\x", "C:x", "\\\\srv\\s", "..\\x", "CON", "aux.txt", "a:b", "name.", "name "])(
    "refuses %j on Windows (security 2, 8)",
    async (name) => {
      const entries = await readAll(rawTar(rawEntry({ name })), roomy, "win32");

      expect(entries[0]?.type).toBe("refused");
    },
  );

  it("refuses a file that goes through a link of the same archive (security 3)", async () => {
    const entries = await readAll(
      rawTar(
        rawEntry({ name: "out", type: "2", link: "/root/.ssh" }),
        rawEntry({ name: "out/authorized_keys", content: "key" }),
        rawEntry({ name: "out", type: "5" }),
      ),
    );

    expect(entries.map(({ type }) => type)).toEqual(["link", "refused", "refused"]);
    expect(entries[1]?.["reason"]).toBe("out, which it is in, is not a folder");
  });

  it("refuses a link in the place of a folder that has something in it (security 3)", async () => {
    const entries = await readAll(rawTar(rawEntry({ name: "d/f" }), rawEntry({ name: "d", type: "2", link: "/" })));

    expect(entries.map(({ type }) => type)).toEqual(["file", "refused"]);
  });

  it.each([
    ["README", "readme"],
    ["straße", "STRASSE"],
    ["caf\u00e9", "cafe\u0301"],
    ["A/x", "a/y"],
    ["ﬁle", "file"],
  ])("refuses %s and %s together where they are one name (security 7)", async (first, second) => {
    const tar = (): AsyncIterable<Uint8Array> => rawTar(rawEntry({ name: first }), rawEntry({ name: second }));

    const onMac = await readAll(tar(), roomy, "darwin");
    const onLinux = await readAll(tar(), roomy, "linux");

    expect(onMac.map(({ type }) => type)).toEqual(["file", "refused"]);
    expect(onLinux.map(({ type }) => type)).toEqual(["file", "file"]);
  });

  it("refuses a path that comes twice", async () => {
    const entries = await readAll(
      rawTar(rawEntry({ name: "f", content: "one" }), rawEntry({ name: "f", content: "two" })),
    );

    expect(entries.map(({ type }) => type)).toEqual(["file", "refused"]);
  });

  it("refuses names that are not UTF-8 (security 9)", async () => {
    const entries = await readAll(rawTar(rawEntry({ name: Buffer.from([0x61, 0xff, 0x62]) })));

    expect(entries[0]).toMatchObject({ type: "refused", reason: "its name is not valid UTF-8" });
  });

  it("lets names with newlines, escapes and direction marks through as they are (security 9)", async () => {
    const name = "a\n\u001b[31m\u202egpj.sh";

    expect((await readAll(rawTar(rawEntry({ name })))).map(({ path }) => path)).toEqual([name]);
  });

  it.each([
    { limits: { maxEntries: 2 }, what: "entries" },
    { limits: { maxTotalBytes: 1000 }, what: "bytes" },
  ])("stops at too many $what (security 11)", async ({ limits }) => {
    const tar = rawTar(...["a", "b", "c"].map((name) => rawEntry({ name, content: "x".repeat(400) })));

    await expect(readAll(tar, { ...roomy, ...limits })).rejects.toMatchObject({
      name: "SandboxError",
      code: "blocked",
    });
  });

  it("counts what is refused and what extends towards the limits (security 11)", async () => {
    const device = rawEntry({ name: "a", type: "3", content: "x".repeat(2000) });
    const extended = pax(["comment", "c".repeat(2000)]);

    await expect(readAll(rawTar(device), { ...roomy, maxTotalBytes: 1000 })).rejects.toMatchObject({ code: "blocked" });
    await expect(
      readAll(rawTar(extended, rawEntry({ name: "f" })), { ...roomy, maxTotalBytes: 1000 }),
    ).rejects.toMatchObject({
      code: "blocked",
    });
  });

  it("refuses a file that is too large by itself, and reads on (security 11)", async () => {
    const tar = rawTar(rawEntry({ name: "big", content: "x".repeat(2000) }), rawEntry({ name: "small", content: "y" }));

    const entries = await readAll(tar, { ...roomy, maxFileBytes: 1000 });

    expect(entries.map(({ type }) => type)).toEqual(["refused", "file"]);
  });

  it("refuses a path that is thousands of folders deep (security 11)", async () => {
    const entries = await readAll(rawTar(pax(["path", "d/".repeat(4096) + "f"]), rawEntry({ name: "f" })));

    expect(entries[0]?.type).toBe("refused");
  });

  const good = Buffer.concat([rawEntry({ name: "f", content: "content" }), Buffer.alloc(1024)]);
  const damages: readonly { readonly name: string; readonly bytes: Buffer }[] = [
    { name: "nothing at all", bytes: Buffer.alloc(0) },
    { name: "half a header", bytes: good.subarray(0, 300) },
    { name: "content cut short", bytes: good.subarray(0, 515) },
    { name: "no end", bytes: good.subarray(0, 1024) },
    { name: "a flipped bit in the header", bytes: Buffer.from(good).fill(0x67, 0, 1) },
    {
      name: "a negative size in octal",
      bytes: rawEntry({ name: "f", patch: (header) => header.write("-0000000001", 124) }),
    },
    {
      name: "a negative size in binary",
      bytes: rawEntry({ name: "f", patch: (header) => header.fill(0xff, 124, 136) }),
    },
    {
      name: "a size beyond all bounds",
      bytes: rawEntry({ name: "f", patch: (h) => h.fill(0x7f, 125, 136).writeUInt8(0x80, 124) }),
    },
    {
      name: "a size that is no number",
      bytes: rawEntry({ name: "f", patch: (header) => header.write("9999zzz", 124) }),
    },
    { name: "a NUL in a pax path", bytes: Buffer.concat([pax(["path", "a\0b"]), good]) },
    { name: "a negative pax size", bytes: Buffer.concat([pax(["size", "-5"]), good]) },
    { name: "a pax record that says it is longer", bytes: rawEntry({ name: "p", type: "x", content: "99 path=x\n" }) },
    { name: "a pax record of length 0", bytes: rawEntry({ name: "p", type: "x", content: "0 path=x\n" }) },
    { name: "a pax record without a line end", bytes: rawEntry({ name: "p", type: "x", content: "10 path=ab" }) },
    { name: "a pax record without an equals sign", bytes: rawEntry({ name: "p", type: "x", content: "8 pathx\n" }) },
    { name: "an extended header of 2 MiB", bytes: rawEntry({ name: "p", type: "x", content: "x".repeat(2 ** 21) }) },
    { name: "an extended header at the end", bytes: Buffer.concat([pax(["path", "a"]), Buffer.alloc(1024)]) },
    { name: "an old sparse file", bytes: Buffer.concat([rawEntry({ name: "s", type: "S" }), good]) },
    { name: "megabytes after the end", bytes: Buffer.concat([good, Buffer.alloc(2 ** 21, 1)]) },
  ];
  it.each(damages)("ends with `invalid` for $name (security 12)", async ({ bytes }) => {
    await expect(readAll(inPieces(bytes))).rejects.toMatchObject({ name: "SandboxError", code: "invalid" });
  });

  it("refuses sparse files in pax form (security 12)", async () => {
    const entries = await readAll(
      rawTar(pax(["GNU.sparse.major", "1"]), rawEntry({ name: "s", content: "1\n" }), rawEntry({ name: "n" })),
    );

    expect(entries.map(({ type }) => type)).toEqual(["refused", "file"]);
  });

  it("drops setuid and keeps nothing of the mode but the right to run (security 13)", async () => {
    const entries = await readAll(
      rawTar(rawEntry({ name: "su", mode: 0o4755 }), rawEntry({ name: "data", mode: 0o6644 })),
    );

    expect(entries).toMatchObject([{ executable: true }, { executable: false }]);
  });

  it("reads the form that git archive writes, global header included", async () => {
    const folder = makeFolder({ "f.txt": "in git" });
    const git = (...args: readonly string[]): Buffer =>
      execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", ...args], { cwd: folder });
    git("init", "-q");
    git("add", ".");
    git("commit", "-qm", "x");

    expect((await readAll(inPieces(git("archive", "HEAD")))).map(({ path }) => path)).toEqual(["f.txt"]);
  });

  it("skips the content that nobody reads", async () => {
    const { readTar } = await import("../../../../src/snapshots/archive/tar-reader.ts");
    const paths: string[] = [];

    for await (const { path } of readTar(
      rawTar(rawEntry({ name: "a", content: "x".repeat(5000) }), rawEntry({ name: "b" })),
      roomy,
    ))
      paths.push(path);

    expect(paths).toEqual(["a", "b"]);
  });

  it("tells the source when it stops early, and passes its errors on", async () => {
    let isClosed = false;
    const source = async function* (): AsyncIterable<Uint8Array> {
      try {
        yield* rawTar(
          ...Array.from({ length: 10 }, (_, index) => rawEntry({ name: `f${index}`, content: "x".repeat(40_000) })),
        );
      } finally {
        isClosed = true;
      }
    };

    await expect(readAll(source(), { ...roomy, maxEntries: 1 })).rejects.toMatchObject({ code: "blocked" });
    await expect(readAll(failing())).rejects.toMatchObject({ code: "unavailable" });

    expect(isClosed).toBe(true);
  });

  it("reads folders that only a slash marks", async () => {
    mkdirSync(join(makeFolder(), "x"));

    expect(await readAll(rawTar(rawEntry({ name: "old/" }), rawEntry({ name: "./" })))).toEqual([
      { type: "directory", path: "old" },
    ]);
  });
});

async function* failing(): AsyncIterable<Uint8Array> {
  yield rawEntry({ name: "f" });
  throw new SandboxError("unavailable", "the line was cut");
}
