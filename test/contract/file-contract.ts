import { execFileSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Provider, SandboxSpec } from "../../src/core/provider.ts";
import type { Sandbox } from "../../src/core/sandbox.ts";
import { newCall, runToEnd, startText, toArray, waitForText } from "./run-to-end.ts";

/** A file by its text, a link by its target, a folder by nothing. */
type Content = string | { readonly link: string } | { readonly executable: string } | undefined;

const sized = (letter: string): string => letter.repeat(200_000);

/** What bringing files in and out of a workspace promises. */
export function testFileContract(newProvider: () => Provider, spec: SandboxSpec): void {
  let sandbox: Sandbox;
  let scratch: string;

  beforeAll(async () => {
    sandbox = await newProvider().create(spec, newCall());
    scratch = mkdtempSync(join(tmpdir(), "contract-"));
  });
  beforeEach(async () => {
    await runToEnd(sandbox, ["sh", "-c", "chmod -R u+rwx . ; rm -rf -- * .[!.]* ..?*"]);
    rmSync(scratch, { recursive: true, force: true });
    mkdirSync(scratch);
  });
  afterAll(async () => {
    await sandbox?.destroy(newCall());
    rmSync(scratch, { recursive: true, force: true });
  });

  const push = (files: Record<string, Content>, deletes: readonly string[] = []): Promise<void> => {
    return sandbox.apply({ deletes, tar: tarOf(join(scratch, "in"), files) }, newCall());
  };
  const show = async (path: string): Promise<string> => (await runToEnd(sandbox, ["cat", "--", path])).stdout;

  it("brings files, folders, links and modes in, odd names too", async () => {
    await push({
      "a/b/c.txt": "c",
      "run.sh": { executable: "#!/bin/sh\necho ran\n" },
      link: { link: "a/b/c.txt" },
      empty: undefined,
      "sp ace/日本 🦩": "odd",
      "-dash": "dash",
      "line\nbreak": "nl",
      ".hidden": "h",
      "..two": "2",
    });

    expect(await show("link")).toBe("c");
    expect(await show("sp ace/日本 🦩")).toBe("odd");
    expect(await show("-dash")).toBe("dash");
    expect(await show("line\nbreak")).toBe("nl");
    expect(await show(".hidden")).toBe("h");
    expect(await show("..two")).toBe("2");
    expect((await runToEnd(sandbox, ["./run.sh"])).stdout).toBe("ran\n");
    expect((await runToEnd(sandbox, ["sh", "-c", "test -d empty && readlink link"])).stdout).toBe("a/b/c.txt\n");
  });

  it("shows only what was brought in", async () => {
    await push({ "a/b": "1", c: "2" });

    const { paths } = await sandbox.list(newCall());

    expect([...paths].sort()).toEqual(["a", "a/b", "c"]);
  });

  it("writes over files, deletes, and leaves the rest alone", async () => {
    await push({ keep: "k", change: "old", "gone/deep/file": "g", "gone/other": "o", "sub/keep": "s" });

    await push({ change: "new", "sub/added": "a" }, ["gone", "not-there/at-all"]);

    const { paths } = await sandbox.list(newCall());
    expect([...paths].sort()).toEqual(["change", "keep", "sub", "sub/added", "sub/keep"]);
    expect(await show("change")).toBe("new");
  });

  it("deletes without bringing anything", async () => {
    await push({ a: "1", b: "2" });

    await sandbox.apply({ deletes: ["a"] }, newCall());
    await sandbox.apply({ deletes: [] }, newCall());

    expect((await sandbox.list(newCall())).paths).toEqual(["b"]);
  });

  it("turns files into folders, folders into files and links into either", async () => {
    await push({ file: "f", "folder/in": "x", link: { link: "/tmp" }, other: { link: "folder" } });

    await push({ "file/in": "1", folder: "2", "link/in": "3", other: "4" });

    expect([await show("file/in"), await show("folder"), await show("link/in"), await show("other")]).toEqual([
      "1",
      "2",
      "3",
      "4",
    ]);
    expect(
      (await runToEnd(sandbox, ["sh", "-c", "test ! -L link && test ! -L other && test ! -e /tmp/in && echo ok"]))
        .stdout,
    ).toBe("ok\n");
  });

  it("replaces a link that a run put in the place of a folder, and does not follow it", async () => {
    await push({ "folder/file": "1" });
    await runToEnd(sandbox, [
      "sh",
      "-c",
      "mkdir /tmp/outside; echo keep >/tmp/outside/file; rm -r folder; ln -s /tmp/outside folder",
    ]);

    await push({ "folder/file": "2" }, []);

    expect(await show("folder/file")).toBe("2");
    expect(await show("/tmp/outside/file")).toBe("keep\n");
  });

  it("does not delete through a link", async () => {
    await runToEnd(sandbox, [
      "sh",
      "-c",
      "mkdir -p /tmp/beyond; echo keep >/tmp/beyond/file; ln -s /tmp/beyond folder",
    ]);

    await sandbox.apply({ deletes: ["folder/file"] }, newCall());

    expect(await show("/tmp/beyond/file")).toBe("keep\n");
  });

  it.each(["../outside", "/etc/passwd", "a/../../b", "", "a//b", "./a", "a\0b"])(
    "refuses to delete %j as invalid, before anything is written",
    async (path) => {
      await expect(push({ written: "no" }, [path])).rejects.toMatchObject({ code: "invalid" });

      expect((await sandbox.list(newCall())).paths).toEqual([]);
    },
  );

  it("leaves every file whole when the archive breaks off", async () => {
    await push({ a: "old", b: "old" });
    const whole = Buffer.concat(await toArray(tarOf(join(scratch, "in"), { a: "new", b: "x".repeat(100_000) })));
    async function* broken(): AsyncIterable<Uint8Array> {
      yield whole.subarray(0, 20_000);
      throw new Error("the disk went away");
    }

    await expect(sandbox.apply({ deletes: [], tar: broken() }, newCall())).rejects.toThrow("the disk went away");

    expect([await show("a"), await show("b")]).toEqual(["old", "old"]);
    await push({ c: "after" });
    expect([...(await sandbox.list(newCall())).paths].sort()).toEqual(["a", "b", "c"]);
  });

  it("rejects with the abort reason when a push is aborted half way", async () => {
    const controller = new AbortController();
    const reason = new Error("never mind");
    async function* endless(): AsyncIterable<Uint8Array> {
      yield Buffer.alloc(512);
      controller.abort(reason);
      yield Buffer.alloc(512);
    }

    await expect(
      sandbox.apply({ deletes: [], tar: endless() }, { ...newCall(), signal: controller.signal }),
    ).rejects.toBe(reason);

    expect((await runToEnd(sandbox, ["echo", "alive"])).stdout).toBe("alive\n");
  });

  it("never shows a half-written file to what runs meanwhile", async () => {
    await push({ file: sized("a") });
    const watch =
      'while [ ! -e stop ]; do tr -d "\\n" <file | cut -c1-200000 | { read -r x; echo "${#x}$(printf %.1s "$x")"; }; done | sort | uniq -c';
    const running = await startText(sandbox, ["sh", "-c", `echo ready; ${watch}`]);
    await waitForText(running, "ready");

    for (const letter of ["b", "c", "d", "e", "f"]) await push({ file: sized(letter) });
    await push({ stop: "" });
    await running.process.exit;

    const seen = running
      .text()
      .split("\n")
      .filter((line) => /^\s*\d+ \d/.test(line));
    expect(seen.length).toBeGreaterThan(0);
    for (const line of seen) expect(line).toMatch(/ (200000[a-f]|0)$/);
  });

  it("lists what a run made, changed, removed and renamed as touched, and nothing else", async () => {
    await push({
      same: "s",
      changed: "1",
      removed: "r",
      mode: "m",
      "dir/kept": "k",
      "moved/deep/file": "f",
      "replaced/x": "old",
      "by/x": "new",
    });
    await runToEnd(sandbox, [
      "sh",
      "-c",
      "echo 2 >changed; rm removed; chmod +x mode; echo n >'new file'; mv moved renamed; rm -r replaced; mv by replaced; ln -s same link",
    ]);

    const { paths, touched } = await sandbox.list(newCall());

    expect([...paths].sort()).toEqual([
      "changed",
      "dir",
      "dir/kept",
      "link",
      "mode",
      "new file",
      "renamed",
      "renamed/deep",
      "renamed/deep/file",
      "replaced",
      "replaced/x",
      "same",
    ]);
    for (const path of ["changed", "mode", "new file", "link", "renamed", "renamed/deep/file", "replaced/x"])
      expect(touched).toContain(path);
  });

  it("lists as touched what was changed in the same instant as a push ended", async () => {
    for (let round = 0; round < 5; round++) {
      await push({ file: `pushed ${round}` });
      await runToEnd(sandbox, ["sh", "-c", "echo changed >file"]);

      expect((await sandbox.list(newCall())).touched).toContain("file");
    }
  });

  it("lists files with the old size and time that were changed all the same", async () => {
    await push({ file: "aaaa", stamp: "" });
    await runToEnd(sandbox, ["sh", "-c", "touch -r file /tmp/stamp; printf bbbb >file; touch -r /tmp/stamp file"]);

    expect((await sandbox.list(newCall())).touched).toContain("file");
  });

  it("lists what is in folders that a run closed to itself", async () => {
    await push({ "closed/file": "x" });
    await runToEnd(sandbox, ["chmod", "000", "closed"]);

    expect((await sandbox.list(newCall())).paths).toContain("closed/file");
  });

  it("brings files, links and modes out, links as links, folders without what is in them", async () => {
    const script =
      "mkdir -p out/in empty; echo text >out/file; echo no >out/in/not-asked; ln -s ../../../etc/passwd out/link; ln -s nowhere out/broken; echo x >out/run; chmod +x out/run; echo odd >'out/sp ace 日本'; head -c 3000000 /dev/zero >out/big; ln out/file out/hard; printf 'a' >'./-dash'";
    await runToEnd(sandbox, ["sh", "-c", script]);
    const wanted = [
      "out/file",
      "out/link",
      "out/broken",
      "out/run",
      "out/sp ace 日本",
      "out/big",
      "out/hard",
      "empty",
      "out/in",
      "-dash",
      "out/missing",
      "missing",
    ];

    const root = await untar(join(scratch, "out"), sandbox.collect(wanted, newCall()));

    expect(readFileSync(join(root, "out/file"), "utf8")).toBe("text\n");
    expect(readlinkSync(join(root, "out/link"))).toBe("../../../etc/passwd");
    expect(readlinkSync(join(root, "out/broken"))).toBe("nowhere");
    expect(lstatSync(join(root, "out/run")).mode & 0o100).toBe(0o100);
    expect(lstatSync(join(root, "out/file")).mode & 0o100).toBe(0);
    expect(readFileSync(join(root, "out/sp ace 日本"), "utf8")).toBe("odd\n");
    expect(readFileSync(join(root, "out/big")).equals(Buffer.alloc(3_000_000))).toBe(true);
    expect(readFileSync(join(root, "out/hard"), "utf8")).toBe("text\n");
    expect(lstatSync(join(root, "empty")).isDirectory()).toBe(true);
    expect(readFileSync(join(root, "-dash"), "utf8")).toBe("a");
    expect(() => lstatSync(join(root, "out/in/not-asked"))).toThrow("ENOENT");
    expect(() => lstatSync(join(root, "missing"))).toThrow("ENOENT");
  });

  it("brings out thousands of files", async () => {
    await runToEnd(sandbox, [
      "sh",
      "-c",
      "mkdir many; cd many; i=0; while [ $i -lt 6000 ]; do echo $i >file-with-a-rather-long-name-$i; i=$((i + 1)); done",
    ]);
    const paths = Array.from({ length: 6000 }, (_, index) => `many/file-with-a-rather-long-name-${index}`);

    const root = await untar(join(scratch, "out"), sandbox.collect(paths, newCall()));

    expect(paths.every((path, index) => readFileSync(join(root, path), "utf8") === `${index}\n`)).toBe(true);
  });

  it("brings out nothing as an empty archive", async () => {
    const root = await untar(join(scratch, "out"), sandbox.collect([], newCall()));

    expect(execFileSync("ls", ["-A", root], { encoding: "utf8" })).toBe("");
  });

  it("refuses to collect a path that leaves the workspace", async () => {
    await expect(toArray(sandbox.collect(["../../etc/passwd"], newCall()))).rejects.toMatchObject({
      code: "invalid",
    });
  });
}

/** System tar, so that what we send is not checked by what we wrote ourselves. */
async function* tarOf(folder: string, files: Record<string, Content>): AsyncIterable<Uint8Array> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [path, content] of Object.entries(files)) place(join(folder, path), content);
  const args = ["-c", "--format=posix", "--null", "--no-recursion", "--verbatim-files-from", "-C", folder, "-T", "-"];
  yield execFileSync("tar", args, { input: Object.keys(files).join("\0"), maxBuffer: 1e9 });
}

function place(file: string, content: Content): void {
  mkdirSync(content === undefined ? file : dirname(file), { recursive: true });
  if (content === undefined) return;
  if (typeof content === "string") writeFileSync(file, content, { mode: 0o644 });
  else if ("link" in content) symlinkSync(content.link, file);
  else {
    writeFileSync(file, content.executable);
    chmodSync(file, 0o755);
  }
}

async function untar(folder: string, tar: AsyncIterable<Uint8Array>): Promise<string> {
  mkdirSync(folder, { recursive: true });
  execFileSync("tar", ["-x", "-C", folder], { input: Buffer.concat(await toArray(tar)) });
  return folder;
}
