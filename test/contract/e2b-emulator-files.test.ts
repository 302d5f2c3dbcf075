import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type E2bEmulator, startE2bEmulator } from "../emulators/e2b/e2b-emulator.ts";
import { type SdkSandbox, connectSdk, run } from "../emulators/e2b/sdk.ts";

let emulator: E2bEmulator;
let sandbox: SdkSandbox;

beforeAll(async () => {
  emulator = await startE2bEmulator();
  sandbox = await connectSdk(emulator).newSandbox();
});

afterAll(() => emulator.close());

describe("files of the emulated E2B", () => {
  it("are written below the home, with the folders that are missing, as the user's", async () => {
    expect(await sandbox.files.write("deep/er/a.txt", "hi")).toMatchObject({ path: "/home/user/deep/er/a.txt" });

    expect(await sandbox.files.read("~/deep/er/a.txt")).toBe("hi");
    expect((await run(sandbox, "stat -c '%U %n' deep deep/er deep/er/a.txt")).stdout).toBe(
      "user deep\nuser deep/er\nuser deep/er/a.txt\n",
    );
  });

  it("come many in one form, and megabytes in a stream, byte for byte", async () => {
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, index) => index % 251);
    const written = await sandbox.files.writeFiles([
      { path: "many/one.txt", data: "one" },
      { path: "/tmp/two.bin", data: new Uint8Array([0, 255, 10, 13]).buffer },
    ]);
    await sandbox.files.write("many/big.bin", new Blob([bytes]).stream());

    expect(written.map(({ path }) => path)).toEqual(["/home/user/many/one.txt", "/tmp/two.bin"]);
    expect(await sandbox.files.read("/tmp/two.bin", { format: "bytes" })).toEqual(new Uint8Array([0, 255, 10, 13]));
    expect(Buffer.compare(await sandbox.files.read("many/big.bin", { format: "bytes" }), bytes)).toBe(0);
  });

  it("are compressed on the way when that is asked for", async () => {
    await sandbox.files.write("zipped.txt", "z".repeat(100_000), { gzip: true });

    expect(await sandbox.files.read("zipped.txt", { gzip: true })).toBe("z".repeat(100_000));
    expect((await run(sandbox, "wc -c <zipped.txt")).stdout.trim()).toBe("100000");
  });

  it("may be empty", async () => {
    await sandbox.files.write("empty.txt", "");

    expect(await sandbox.files.read("empty.txt")).toBe("");
  });

  it("are listed as deep as is asked for, and described", async () => {
    await run(sandbox, "mkdir -p tree/a/b; echo x >tree/a/b/c.txt; chmod 640 tree/a/b/c.txt; ln -s a/b tree/link");

    const shallow = await sandbox.files.list("tree");
    const deep = await sandbox.files.list("tree", { depth: 3 });

    expect(shallow.map(({ name, type }) => `${name}:${type}`)).toEqual(["a:dir", "link:dir"]);
    expect(shallow[1]?.symlinkTarget).toBe("a/b");
    expect(deep.map(({ path }) => path)).toEqual([
      "/home/user/tree/a",
      "/home/user/tree/a/b",
      "/home/user/tree/a/b/c.txt",
      "/home/user/tree/link",
    ]);
    expect(deep[2]).toMatchObject({ size: 2, mode: 0o640, permissions: "-rw-r-----", owner: "user", type: "file" });
  });

  it("are made, moved, looked for and removed", async () => {
    expect(await sandbox.files.makeDir("made/deep")).toBe(true);
    expect(await sandbox.files.makeDir("made/deep")).toBe(false);
    await sandbox.files.write("made/one.txt", "1");
    expect(await sandbox.files.rename("made/one.txt", "new/two.txt")).toMatchObject({ path: "/home/user/new/two.txt" });

    expect(await sandbox.files.exists("made/one.txt")).toBe(false);
    expect(await sandbox.files.exists("new/two.txt")).toBe(true);
    await sandbox.files.remove("made");
    expect(await sandbox.files.exists("made")).toBe(false);
  });

  it.each([
    ["FileNotFoundError", () => sandbox.files.read("/none")],
    ["FileNotFoundError", () => sandbox.files.list("/none")],
    ["FileNotFoundError", () => sandbox.files.getInfo("/none")],
    ["FileNotFoundError", () => sandbox.files.rename("/none", "/tmp/x")],
    ["InvalidArgumentError", () => sandbox.files.read("/tmp")],
    ["InvalidArgumentError", () => sandbox.files.write("/tmp", "x")],
    ["InvalidArgumentError", () => sandbox.files.list("/etc/passwd")],
    ["SandboxError", () => sandbox.files.write("/etc/passwd/x", "x")],
    ["AuthenticationError", () => sandbox.files.read("/etc/passwd", { user: "nobody-here" })],
  ])("that are not as a call needs them make it fail with %s", async (name, act) => {
    await expect(act()).rejects.toMatchObject({ name });
  });

  it("tell who watches a folder of what comes, changes and goes", async () => {
    await sandbox.files.makeDir("watched/inner");
    const seen = new Events();
    const watch = await sandbox.files.watchDir("watched", (event) => seen.add(event));

    await run(sandbox, "echo 1 >watched/a");
    await seen.wait("create a");
    await run(sandbox, "echo 2 >>watched/a");
    await seen.wait("write a");
    await run(sandbox, "echo 3 >watched/inner/b; rm watched/a");
    await seen.wait("remove a");

    await watch.stop();
    expect(seen.all.filter((event) => event.includes("inner/"))).toEqual([]);
  });

  it("tell who watches a whole tree of what happens deep inside", async () => {
    await sandbox.files.makeDir("watched-tree/inner");
    const seen = new Events();
    const watch = await sandbox.files.watchDir("watched-tree", (event) => seen.add(event), { recursive: true });

    await run(sandbox, "echo 1 >watched-tree/inner/a");

    await seen.wait("create inner/a");
    await watch.stop();
  });

  it("are given to whoever has an address that is signed, while it is good, and to nobody else", async () => {
    await sandbox.files.write("signed.txt", "secret");
    const read = async (url: string) => (await fetch(url, { headers: toHeaders() })).status;
    const url = await sandbox.downloadUrl("/home/user/signed.txt");

    expect(await (await fetch(url, { headers: toHeaders() })).text()).toBe("secret");
    expect(await read(await sandbox.downloadUrl("/home/user/signed.txt", { useSignatureExpiration: -10 }))).toBe(401);
    expect(await read(url.replace("signed.txt", "other.txt"))).toBe(401);
    expect(await read(`${emulator.url}/files?path=/home/user/signed.txt`)).toBe(401);
  });

  it("are written through a signed address, too", async () => {
    const form = new FormData();
    form.append("file", new Blob(["uploaded"]), "ignored.txt");

    const url = await sandbox.uploadUrl("/home/user/uploaded.txt");
    const answer = await fetch(url, { method: "POST", body: form, headers: toHeaders() });

    expect(answer.status).toBe(200);
    expect(await sandbox.files.read("uploaded.txt")).toBe("uploaded");
  });
});

describe("the daemon of an emulated sandbox", () => {
  it("answers nobody without its token", async () => {
    const answer = await fetch(`${emulator.url}/process.Process/List`, {
      method: "POST",
      headers: { ...toHeaders(), "Content-Type": "application/json" },
      body: "{}",
    });

    expect(answer.status).toBe(401);
  });

  it("says of what it does not have that it is not implemented", async () => {
    const token = String(Reflect.get(sandbox, "envdAccessToken"));
    const answer = await fetch(`${emulator.url}/filesystem.Filesystem/CreateWatcher`, {
      method: "POST",
      headers: { ...toHeaders(), "Content-Type": "application/json", "X-Access-Token": token },
      body: "{}",
    });

    expect(await answer.json()).toMatchObject({ code: "unimplemented" });
  });
});

/** Every sandbox is at the same address here; at E2B it is in the name of the host. */
function toHeaders(): Record<string, string> {
  return { "E2b-Sandbox-Id": sandbox.sandboxId, "E2b-Sandbox-Port": "49983" };
}

/** What a watch has told of, "create name" and the like, in order. */
class Events {
  readonly all: string[] = [];
  #changed = Promise.withResolvers<void>();

  add({ type, name }: { readonly type: string; readonly name: string }): void {
    this.all.push(`${type} ${name}`);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async wait(event: string): Promise<void> {
    while (!this.all.includes(event)) await this.#changed.promise;
  }
}
