import { execFileSync } from "node:child_process";
import { chmodSync, rmSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { whyNotSent } from "../../../../src/snapshots/rules/explain-path.ts";
import { toSha256 } from "../../../../src/snapshots/regular-file.ts";
import { scanWorkspace } from "../../../../src/snapshots/scan/scan-workspace.ts";
import type { Scan, ScanRequest } from "../../../../src/snapshots/scan/scanner.ts";
import { type Planted, makeFolder, plant } from "../temp-folder.ts";

function scan(root: string, more: Partial<ScanRequest> = {}): Scan {
  const cacheFile = join(makeFolder(), "cache");
  return scanWorkspace({ root, cacheFile, overlays: [], maxFileBytes: 1024 ** 2, ...more });
}

function scanOf(files: Readonly<Record<string, Planted>>, more: Partial<ScanRequest> = {}): Scan {
  return scan(makeFolder(files), more);
}

/** Root may read everything: steps down for as long as that takes. */
function asNobody<T>(act: () => T): T {
  if (process.getuid?.() !== 0) return act();
  process.seteuid?.(65534);
  try {
    return act();
  } finally {
    process.seteuid?.(0);
  }
}

const pathsOf = ({ manifest }: Scan): string[] => [...manifest.keys()];

describe("a scan", () => {
  it("has files, links and empty folders, in the order of their UTF-8 bytes", () => {
    const { manifest, totalBytes } = scanOf({
      "b/x": "content",
      "b.txt": "",
      run: { program: "#!" },
      "\u{ffff}": "",
      "😀": "",
      "hollow/deep": { folder: true },
      l: { link: "../outside" },
    });

    expect([...manifest]).toEqual([
      ["b.txt", { type: "file", sha256: toSha256(""), sizeBytes: 0, executable: false }],
      ["b/x", { type: "file", sha256: toSha256("content"), sizeBytes: 7, executable: false }],
      ["hollow/deep", { type: "directory" }],
      ["l", { type: "link", target: "../outside" }],
      ["run", { type: "file", sha256: toSha256("#!"), sizeBytes: 2, executable: true }],
      ["\u{ffff}", expect.anything()],
      ["😀", expect.anything()],
    ]);
    expect(totalBytes).toBe(9);
  });

  it("does not follow links, to folders or to files (security 18)", () => {
    const outside = makeFolder({ id: "secret" });

    const { manifest } = scanOf({ ssh: { link: outside }, key: { link: join(outside, "id") }, self: { link: "." } });

    expect([...manifest.values()].map(({ type }) => type)).toEqual(["link", "link", "link"]);
  });

  it("leaves out what the rules say, a folder as one row, secrets named first (security 16, 22)", () => {
    const found = scanOf({
      ".gitignore": "*.log\n",
      "node_modules/a/1.js": "",
      "node_modules/a/2.js": "",
      "x.log": "",
      ".env": "KEY=1",
      "app.js": "",
      ".git/config": "",
    });

    expect(pathsOf(found)).toEqual([".gitignore", "app.js"]);
    expect(found.skipped[0]).toMatchObject({ path: ".env", kind: "secret" });
    expect(found.skipped.map(({ path }) => path).sort()).toEqual([".env", ".git", "node_modules", "x.log"]);
  });

  it("takes a folder whose files are all left out for an empty one", () => {
    expect(pathsOf(scanOf({ ".gitignore": "*.log\n", "logs/a.log": "" }))).toEqual([".gitignore", "logs"]);
  });

  it("has the content of a repository in the repository, without its .git", () => {
    expect(
      pathsOf(scanOf({ "sub/.git/config": "", "sub/f": "", "module/.git": "gitdir: ../x", "module/g": "" })),
    ).toEqual(["module/g", "sub/f"]);
  });

  it("skips pipes, sockets and devices, with the reason", () => {
    const root = makeFolder({ f: "" });
    execFileSync("mkfifo", [join(root, "pipe")]);

    const found = scan(root);

    expect(pathsOf(found)).toEqual(["f"]);
    expect(found.skipped).toEqual([{ path: "pipe", kind: "special", reason: "it is a pipe, a socket or a device" }]);
  });

  it("skips a file over the limit, with the sizes", () => {
    const root = makeFolder({ ok: "x" });
    writeFileSync(join(root, "big"), "");
    truncateSync(join(root, "big"), 3 * 1024 ** 2);

    const found = scan(root);

    expect(pathsOf(found)).toEqual(["ok"]);
    expect(found.skipped).toMatchObject([
      { path: "big", kind: "too-large", reason: "it is larger than the limit (3.0 MiB; the limit is 1.0 MiB)" },
    ]);
  });

  it("skips names that are not UTF-8, and keeps one with a replacement character of its own", () => {
    const root = makeFolder({ "fine\ufffd": "" });
    writeFileSync(Buffer.concat([Buffer.from(`${root}/bad`), Buffer.from([0xff])]), "");

    const found = scan(root);

    expect(pathsOf(found)).toEqual(["fine\ufffd"]);
    expect(found.skipped).toMatchObject([{ path: "bad\ufffd", reason: "its name is not valid UTF-8" }]);
    rmSync(root, { recursive: true });
  });

  it("notes names that are one name elsewhere (security 7)", () => {
    const { notes } = scanOf({ "d/Readme": "", "d/README": "", other: "" });

    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(/^"R.*" and "R.*" in d are one name on macOS and Windows$/);
  });

  it("skips what may not be read, with the reason", () => {
    const root = makeFolder({ secret: "x", "closed/f": "x", ok: "" });
    chmodSync(join(root, "secret"), 0);
    chmodSync(join(root, "closed"), 0);

    chmodSync(root, 0o755);

    const found = asNobody(() => scan(root));
    chmodSync(join(root, "closed"), 0o755);

    expect(pathsOf(found)).toEqual(["ok"]);
    expect(found.skipped.map(({ path, kind }) => `${kind} ${path}`).sort()).toEqual([
      "unreadable closed",
      "unreadable secret",
    ]);
  });

  it("hashes files of any size and content to the byte (security 15)", () => {
    const contents = {
      empty: Buffer.alloc(0),
      crlf: Buffer.from("a\r\nb\r\n"),
      binary: Buffer.from([0, 255, 1]),
      large: Buffer.alloc(9 * 1024 ** 2 + 1, "large"),
    };

    const { manifest } = scanOf(contents, { maxFileBytes: 1024 ** 3 });

    for (const [path, content] of Object.entries(contents))
      expect(manifest.get(path)).toMatchObject({ sha256: toSha256(content), sizeBytes: content.length });
  });

  it("says which folder cannot be read", () => {
    const root = makeFolder({ file: "" });

    expect(() => scan(join(root, "gone"))).toThrowError(
      expect.objectContaining({ name: "SandboxError", code: "unavailable" }),
    );
    expect(() => scan(join(root, "file"))).toThrowError(expect.objectContaining({ code: "invalid" }));
  });
});

describe("text on screen", () => {
  it("takes the place of what is on disk, and keeps the right to run", () => {
    const { manifest } = scanOf(
      { "run.sh": { program: "old" }, gone: { folder: true } },
      {
        overlays: [
          { path: "run.sh", text: "neu ü" },
          { path: "gone/new.py", text: "" },
        ],
      },
    );

    expect([...manifest]).toEqual([
      ["gone/new.py", { type: "file", sha256: toSha256(""), sizeBytes: 0, executable: false }],
      ["run.sh", { type: "file", sha256: toSha256("neu ü"), sizeBytes: 6, executable: true }],
    ]);
  });

  it.each([
    { path: ".env", kind: "secret" },
    { path: "node_modules/a.js", kind: "built-in" },
    { path: "x.log", kind: "rule" },
    { path: "../x", kind: "unreadable" },
    { path: "link/x", kind: "unreadable" },
    { path: "folder", kind: "unreadable" },
    { path: "big.txt", kind: "too-large" },
  ])("of $path is held to the rules that files are held to (security 16)", ({ path, kind }) => {
    const root = makeFolder({ ".gitignore": "*.log\n", "folder/f": "", link: { link: "folder" } });

    const found = scan(root, { overlays: [{ path, text: path === "big.txt" ? "x".repeat(2 * 1024 ** 2) : "x" }] });

    expect(pathsOf(found)).toEqual([".gitignore", "folder/f", "link"]);
    expect(found.skipped).toMatchObject([{ path, kind }]);
  });
});

describe("whyNotSent", () => {
  it.each([
    { path: "ok", why: undefined },
    { path: "l", why: undefined },
    { path: "sub", why: undefined },
    { path: "a.log", why: 'left out by "*.log" in .gitignore:1' },
    { path: "sub/.env", why: expect.stringContaining("credentials") as unknown },
    { path: "none", why: "it does not exist" },
    { path: "ok/below", why: "it does not exist" },
    { path: "big", why: expect.stringContaining("larger than the limit") as unknown },
    { path: "pipe", why: "it is a pipe, a socket or a device" },
    { path: "l/.env", why: "l is a link, and links are sent as links" },
    { path: "../x", why: 'it has a ".." part' },
  ])("says $why of $path", ({ path, why }) => {
    expect(whyNotSent(plantOneOfEach(), path, 10)).toEqual(why);
  });

  it("agrees with the scan on every path", () => {
    const folder = plantOneOfEach();
    unlinkSync(join(folder, "pipe"));
    plant(folder, { "node_modules/x": "", id_rsa: "", ".sandboxignore": "!a.log\nok\n" });

    const found = scan(folder, { maxFileBytes: 10 });

    for (const path of found.manifest.keys()) expect([path, whyNotSent(folder, path, 10)]).toEqual([path, undefined]);
    for (const { path, reason } of found.skipped) expect([path, whyNotSent(folder, path, 10)]).toEqual([path, reason]);
  });
});

function plantOneOfEach(): string {
  const folder = makeFolder({
    ".gitignore": "*.log\n",
    "sub/.env": "",
    "a.log": "",
    ok: "",
    l: { link: "sub" },
    big: "x".repeat(20),
  });
  execFileSync("mkfifo", [join(folder, "pipe")]);
  return folder;
}
