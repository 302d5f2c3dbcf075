import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, linkSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { applyToDisk } from "../../../../src/snapshots/changes/apply-change.ts";
import type { Manifest } from "../../../../src/snapshots/manifest.ts";
import { createObjectStore } from "../../../../src/snapshots/store/object-store.ts";
import { packFiles } from "../../../../src/snapshots/archive/pack.ts";
import { receiveTar } from "../../../../src/snapshots/archive/receive.ts";
import { scanWorkspace } from "../../../../src/snapshots/scan/scan-workspace.ts";
import type { Scan } from "../../../../src/snapshots/scan/scanner.ts";
import { type Planted, makeFolder, plant } from "../temp-folder.ts";

const LIMITS = { maxEntries: 1000, maxTotalBytes: 1024 ** 3, maxFileBytes: 1024 ** 3 };
const isLinux = process.platform === "linux";

function scan(root: string): Scan {
  return scanWorkspace({ root, cacheFile: join(makeFolder(), "cache"), overlays: [], maxFileBytes: 1024 ** 3 });
}

/** What a sandbox would hold that unpacks what is sent with the `tar` that it has. */
async function send(root: string, manifest: Manifest): Promise<string> {
  const { tar } = packFiles({ root, manifest, paths: [...manifest.keys()], overlays: [] });
  const pieces: Uint8Array[] = [];
  for await (const piece of tar) pieces.push(Uint8Array.from(piece));
  const sandbox = makeFolder();
  execFileSync("tar", ["-xf", "-", "-C", sandbox], { input: Buffer.concat(pieces) });
  return sandbox;
}

/** A new workspace with what comes back from a folder, and what was refused. */
async function bringBack(root: string, manifest: Manifest): Promise<{ workspace: string; refused: string[] }> {
  const store = createObjectStore(makeFolder());
  const { tar } = packFiles({ root, manifest, paths: [...manifest.keys()], overlays: [] });
  const { entries, refused } = await receiveTar(tar, store, LIMITS);
  const workspace = makeFolder();
  for (const [path, theirs] of entries) {
    const outcome = await applyToDisk({ root: workspace, path, expected: undefined, theirs, store });
    expect([path, outcome]).toEqual([path, "applied"]);
  }
  return { workspace, refused: refused.map(({ path }) => path) };
}

/** The same tree there and back again: to the byte, the mode and the link. */
async function expectRoundTrip(root: string, refused: readonly string[] = []): Promise<Scan> {
  const found = scan(root);
  const sandbox = await send(root, found.manifest);
  expect([...scan(sandbox).manifest]).toEqual([...found.manifest]);
  const back = await bringBack(sandbox, found.manifest);
  const left = [...found.manifest].filter(([path]) => !refused.includes(path));
  expect([...scan(back.workspace).manifest]).toEqual(left);
  expect(back.refused).toEqual(refused);
  return found;
}

/** Root may do everything: steps down for as long as that takes. */
async function asNobody<T>(act: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return act();
  process.seteuid?.(65_534);
  try {
    return await act();
  } finally {
    process.seteuid?.(0);
  }
}

/** In the place of a store that only its owner may read. */
async function* readNew(): AsyncIterable<Uint8Array> {
  yield Buffer.from("new");
}

const git = (cwd: string, ...args: string[]): unknown =>
  execFileSync("git", ["-c", "user.name=n", "-c", "user.email=e@x", "-c", "protocol.file.allow=always", ...args], {
    cwd,
    stdio: "pipe",
  });

function makeRepository(files: Readonly<Record<string, Planted>>): string {
  const root = makeFolder(files);
  git(root, "init", "-q");
  git(root, "add", "-A");
  git(root, "commit", "-qm", "x");
  return root;
}

const names = {
  newline: "a\nb",
  tab: "a\tb",
  quotes: `"a'b\``,
  dash: "-rf",
  glob: "*[?]",
  backslash: String.raw`a\b`,
  space: " a ",
  dots: "...",
  long: "x".repeat(255),
  surrogates: "😀/\u{ffff}",
  escape: "\u{1b}[31m",
  deep: Array.from({ length: 60 }, () => "deeper").join("/"),
};

describe.runIf(isLinux)("there and back again", () => {
  it.each<{ what: string; files: Readonly<Record<string, Planted>> }>([
    ...Object.entries(names).map(([what, name]) => ({ what: `a name with ${what}`, files: { [name]: what } })),
    { what: "a link into the workspace", files: { "a/f": "x", "b/l": { link: "../a/f" }, d: { link: "a" } } },
    { what: "a link to nothing", files: { "d/l": { link: "not/there" } } },
    {
      what: "a link to itself, and two to each other",
      files: { l: { link: "l" }, a: { link: "b" }, b: { link: "a" } },
    },
    { what: "a link to the folder that it is in", files: { "a/l": { link: "." }, "a/up": { link: ".." } } },
    { what: "a program", files: { run: { program: "#!/bin/sh\n" }, not: "#!/bin/sh\n" } },
    { what: "empty folders", files: { "a/b/c": { folder: true }, "a/d": { folder: true }, f: "" } },
    { what: "line ends of every kind", files: { crlf: "a\r\nb\r\n", cr: "a\rb", lf: "a\nb", none: "a" } },
    {
      what: "a mark of byte order, and text that is no UTF-8",
      files: { bom: "\ufeffa", l1: Buffer.from([0xe4, 0xff]) },
    },
    { what: "names that differ in case", files: { Readme: "1", README: "2", "A/f": "3", "a/f": "4" } },
    { what: "names that differ in Unicode form", files: { "caf\u00e9": "1", "cafe\u0301": "2" } },
    { what: "an empty workspace", files: {} },
  ])("$what is the same", async ({ files }) => {
    await expectRoundTrip(makeFolder(files));
  });

  it("a link out of the workspace is sent as it is and never followed, and does not come back", async () => {
    const outside = makeFolder({ id: "secret" });
    const root = makeFolder({ abs: { link: join(outside, "id") }, up: { link: "../../etc/passwd" }, f: "" });

    const { manifest } = await expectRoundTrip(root, ["abs", "up"]);

    expect(manifest.get("abs")).toEqual({ type: "link", target: join(outside, "id") });
  });

  it("names that are one name on other machines are noted", () => {
    const { notes } = scan(makeFolder({ Readme: "", README: "", "caf\u00e9": "", "cafe\u0301": "" }));

    expect(notes).toHaveLength(2);
  });

  it("a sparse file is its bytes", async () => {
    const root = makeFolder();
    execFileSync("truncate", ["-s", "40M", join(root, "sparse")]);

    const { totalBytes } = await expectRoundTrip(root);

    expect(totalBytes).toBe(40 * 1024 ** 2);
  });

  it("files with several names are files of their own, each with the content", async () => {
    const root = makeFolder({ a: "content" });
    linkSync(join(root, "a"), join(root, "b"));

    const { manifest } = await expectRoundTrip(root);

    expect(manifest.get("a")).toEqual(manifest.get("b"));
  });

  it("what is read-only is sent, and can be written where it arrives", async () => {
    const root = makeFolder({ "d/f": "x", f: { program: "#!" } });
    for (const path of ["d/f", "f"]) chmodSync(join(root, path), path === "f" ? 0o555 : 0o444);
    chmodSync(join(root, "d"), 0o555);
    chmodSync(root, 0o755);

    const { manifest } = await asNobody(async () => scan(root));
    const sandbox = await send(root, manifest);

    expect([...scan(sandbox).manifest]).toEqual([...manifest]);
    expect(manifest.get("f")).toMatchObject({ executable: true });
    const owner = (path: string): string =>
      execFileSync("stat", ["-c", "%A", join(sandbox, path)])
        .toString()
        .slice(1, 4);
    expect(["f", "d", "d/f"].map(owner)).toEqual(["rwx", "rwx", "rw-"]);
    chmodSync(join(root, "d"), 0o755);
  });

  it("a read-only file is replaced, as it is by an editor that renames; in a read-only folder that is an error", async () => {
    const store = createObjectStore(makeFolder());
    const theirs = { type: "file", ...(await store.put([Buffer.from("new")])), executable: false } as const;
    const root = makeFolder({ f: "old", "d/f": "old" });
    for (const path of ["", "d", "f", "d/f"]) if (process.getuid?.() === 0) chownSync(join(root, path), 65_534, 65_534);
    chmodSync(join(root, "f"), 0o444);
    chmodSync(join(root, "d"), 0o555);
    const expected = scan(root).manifest.get("f");
    const apply = (path: string) => () =>
      applyToDisk({ root, path, expected, theirs, store: { ...store, read: readNew } });

    expect(await asNobody(apply("f"))).toBe("applied");
    await expect(asNobody(apply("d/f"))).rejects.toMatchObject({ code: "unavailable" });

    chmodSync(join(root, "d"), 0o755);
  });
});

describe.runIf(isLinux)("what is not sent", () => {
  it("is said of pipes, sockets, unreadable names and targets", async () => {
    const root = makeFolder({ f: "" });
    execFileSync("mkfifo", [join(root, "pipe")]);
    writeFileSync(Buffer.concat([Buffer.from(`${root}/bad`), Buffer.from([0xff])]), "");
    symlinkSync(Buffer.from([0x61, 0xff]), join(root, "link"));
    const server = createServer().listen(join(root, "socket"));
    await new Promise((resolve) => server.once("listening", resolve));

    const { manifest, skipped } = scan(root);

    expect([...manifest.keys()]).toEqual(["f"]);
    expect(skipped.map(({ path, kind }) => `${kind} ${path}`).sort()).toEqual([
      "special pipe",
      "special socket",
      "unreadable bad\ufffd",
      "unreadable link",
    ]);
    server.close();
    rmSync(root, { recursive: true });
  });

  it.runIf(process.getuid?.() === 0)("is said of devices", () => {
    const root = makeFolder({ f: "" });
    execFileSync("mknod", [join(root, "null"), "c", "1", "3"]);

    expect(scan(root).skipped).toMatchObject([{ path: "null", kind: "special" }]);
  });

  it("is what Git keeps for itself, of submodules and nested repositories too; their files are sent", async () => {
    const inner = makeRepository({ "lib/f": "1" });
    const root = makeRepository({ f: "1" });
    git(root, "submodule", "--quiet", "add", inner, "sub");
    plant(root, { "nested/g": "2" });
    git(join(root, "nested"), "init", "-q");

    const { manifest, skipped } = await expectRoundTrip(root);

    expect([...manifest.keys()]).toEqual([".gitmodules", "f", "nested/g", "sub/lib/f"]);
    expect(skipped.map(({ path }) => path).sort()).toEqual([".git", "nested/.git", "sub/.git"]);
  });

  it("is the file by which a worktree finds its repository", async () => {
    const main = makeRepository({ f: "1", ".gitignore": "*.log\n" });
    const root = join(makeFolder(), "tree");
    git(main, "worktree", "add", "-q", root);
    plant(root, { "x.log": "", "sub/y.log": "" });

    const { manifest, skipped } = await expectRoundTrip(root);

    expect([...manifest.keys()]).toEqual([".gitignore", "f", "sub"]);
    expect(skipped.map(({ path }) => path).sort()).toEqual([".git", "sub/y.log", "x.log"]);
    expect(readdirSync(root)).toContain(".git");
  });
});
