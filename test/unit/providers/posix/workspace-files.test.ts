import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../../../../src/core/logger.ts";
import type { Command, Process } from "../../../../src/core/sandbox.ts";
import { createWorkspaceFiles, type Upload } from "../../../../src/providers/posix/workspace-files.ts";

const call = { signal: new AbortController().signal, logger: silentLogger };
const BUSYBOX = "/bin/busybox";
const BSDTAR = "/usr/bin/bsdtar";
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "workspace-"));
  for (const name of ["workspace", "in", "tools"]) mkdirSync(join(root, name));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

/** Runs scripts on this machine, in folders of the test's own; `tools` is the PATH. */
function newFiles(tools: string, upload?: Upload): ReturnType<typeof createWorkspaceFiles> {
  const exec = async ({ argv: [program = "", ...args] }: Command): Promise<Process> => {
    const child = spawn(program, args, { env: { PATH: tools } });
    child.stdin.on("error", () => {});
    return {
      stdout: child.stdout,
      stderr: child.stderr,
      write: async (data) => void child.stdin.write(data),
      closeStdin: async () => void child.stdin.end(),
      signal: async () => void child.kill("SIGKILL"),
      resize: async () => {},
      exit: new Promise((resolve) => {
        child.once("close", (code, signal) =>
          resolve(signal ? { kind: "signaled", signal } : { kind: "exited", code: code ?? 0 }),
        );
      }),
    };
  };
  return createWorkspaceFiles(exec, { workspace: join(root, "workspace"), private: join(root, "private") }, upload);
}

/** Keeps archives in a file first. */
const toFile: Upload = async (archive) => {
  const path = join(root, "uploaded.tar");
  await writeFile(path, archive);
  return path;
};

async function* tarOf(files: Record<string, string>): AsyncIterable<Uint8Array> {
  rmSync(join(root, "in"), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, "in", path, ".."), { recursive: true });
    writeFileSync(join(root, "in", path), text);
  }
  yield execFileSync("tar", ["-c", "-C", join(root, "in"), "."]);
}

const toolsets = [
  { name: "GNU tools", path: (): string => "/usr/bin:/bin" },
  { name: "busybox", path: linkBusybox, needs: BUSYBOX },
  { name: "the tar of macOS", path: linkBsdtar, needs: BSDTAR },
].filter(({ needs }) => !needs || existsSync(needs));

function linkBsdtar(): string {
  const folder = join(root, "tools");
  symlinkSync(BSDTAR, join(folder, "tar"));
  // Nor can head there leave off the end.
  writeFileSync(join(folder, "head"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  return `${folder}:/usr/bin:/bin`;
}

function linkBusybox(): string {
  const folder = join(root, "tools");
  const names = execFileSync(BUSYBOX, ["--list"], { encoding: "utf8" }).trim().split("\n");
  for (const name of names) symlinkSync(BUSYBOX, join(folder, name));
  return folder;
}

async function* garbage(): AsyncIterable<Uint8Array> {
  yield Buffer.alloc(10_240, "no tar");
}

describe.each(toolsets)("with $name", ({ path, needs }) => {
  it.each([
    { way: "by stdin", upload: undefined },
    { way: "by a file", upload: toFile },
  ])("brings files in $way, deletes, lists and brings out", async ({ upload }) => {
    const files = newFiles(path(), upload);
    await files.apply({ deletes: [], tar: tarOf({ "a/b": "1", "a/c": "2", gone: "3" }) }, call);
    await files.apply({ deletes: ["gone"], tar: tarOf({ "a/b": "4", "new\nline": "5" }) }, call);
    writeFileSync(join(root, "workspace/made"), "6");

    const { paths, touched } = await files.list(call);
    const out: Uint8Array[] = [];
    for await (const chunk of files.collect(["a/b", "a", "new\nline", "made", "missing"], call)) out.push(chunk);
    const names = execFileSync("tar", ["-t", "--quoting-style=literal", "--null"], {
      input: Buffer.concat(out),
      encoding: "utf8",
    });

    expect([...paths].sort()).toEqual(["a", "a/b", "a/c", "made", "new\nline"]);
    expect(touched).toContain("made");
    expect(names).toContain("a/b");
    expect(names).toContain("made");
    expect(names).not.toContain("a/c");
    expect(readFileSync(join(root, "workspace/a/b"), "utf8")).toBe("4");
    expect(readFileSync(join(root, "workspace/new\nline"), "utf8")).toBe("5");
    expect(existsSync(join(root, "uploaded.tar"))).toBe(false);
  });

  it("leaves no staging folder behind, not even that of a push which was killed", async () => {
    const files = newFiles(path());
    mkdirSync(join(root, "private/staging.999/left"), { recursive: true });

    await files.apply({ deletes: [], tar: tarOf({ a: "1" }) }, call);

    expect(readdirSync(join(root, "private")).filter((name) => name.startsWith("staging"))).toEqual([]);
    expect(readdirSync(join(root, "workspace"))).toEqual(["a"]);
  });

  // bsdtar looks for more after what is damaged, and does not fail.
  it.skipIf(needs === BSDTAR)("refuses an archive that is none, and leaves the workspace alone", async () => {
    const files = newFiles(path());
    await files.apply({ deletes: [], tar: tarOf({ a: "1" }) }, call);
    await expect(files.apply({ deletes: ["a"], tar: garbage() }, call)).rejects.toMatchObject({ code: "unavailable" });

    expect(readFileSync(join(root, "workspace/a"), "utf8")).toBe("1");
  });
});

describe("with GNU tools", () => {
  it("lists as touched only what changed, and all below a folder that was moved", async () => {
    const files = newFiles("/usr/bin:/bin");
    await files.apply({ deletes: [], tar: tarOf({ "same/x": "1", "old/deep/x": "2", changed: "3" }) }, call);
    writeFileSync(join(root, "workspace/changed"), "4");
    execFileSync("mv", [join(root, "workspace/old"), join(root, "workspace/moved")]);

    const { touched } = await files.list(call);

    expect([...touched].sort()).toEqual(["changed", "moved", "moved/deep", "moved/deep/x"]);
  });

  it("says that the disk is full when it is", async () => {
    mkdirSync(join(root, "small"));
    writeFileSync(
      join(root, "tools/tar"),
      "#!/bin/sh\ncat >/dev/null; echo 'tar: x: Cannot write: No space left on device' >&2; exit 2\n",
    );
    chmodSync(join(root, "tools/tar"), 0o755);
    const files = newFiles(`${join(root, "tools")}:/usr/bin:/bin`);

    await expect(files.apply({ deletes: [], tar: tarOf({ a: "1" }) }, call)).rejects.toMatchObject({ code: "quota" });
  });
});
