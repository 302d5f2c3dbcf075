import { chmodSync, existsSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Door } from "./door.ts";
import { AS_LONELY_ROOT, AS_ORDINARY_USER, WITHOUT_BWRAP, WITHOUT_DAEMONS, WITHOUT_USER_NAMESPACES } from "./worlds.ts";

let door: Door;

beforeEach(async () => {
  door = await Door.open();
});

afterEach(() => door.close());

/** A command that would leave a mark if it ran on this machine. */
function toMarking(): { readonly mark: string; readonly args: readonly string[] } {
  const mark = join(door.folder, "MARK");
  return { mark, args: ["run", "--", "sh", "-c", `touch ${mark}; echo ran`] };
}

/** A folder for programs that every user may run. */
async function makeBin(): Promise<string> {
  await chmod(door.folder, 0o711);
  await mkdir(join(door.folder, "bin"));
  return join(door.folder, "bin");
}

async function expectOnRecord(message: RegExp): Promise<void> {
  const run = await door.lastRun();
  expect(run.state).toBe("ended");
  expect(run.exit).toBeUndefined();
  expect(run.error?.message).toMatch(message);
}

describe("without what local sandboxes need (security 50)", () => {
  it.each([
    ["bubblewrap is missing", WITHOUT_BWRAP, /need bubblewrap, which is not installed\. .*bubblewrap/],
    [
      "the kernel forbids user namespaces",
      WITHOUT_USER_NAMESPACES,
      /cannot make a sandbox here: bwrap: .*Run: sudo sysctl -w user\.max_user_namespaces/,
    ],
    ["root has no users to give away", AS_LONELY_ROOT, /cannot make a sandbox here: setpriv: .*as an ordinary user/],
  ])("nothing runs, on the host least of all: %s", async (_what, inside, message) => {
    const { mark, args } = toMarking();

    const { code, stdout, stderr } = await door.say(args, { inside });

    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^sandpiper: [^\n]*\n$/);
    expect([code, stdout.length, existsSync(mark)]).toEqual([125, 0, false]);
    await expectOnRecord(message);
  });

  it.each([
    [
      "refuses",
      'echo "bwrap: setting up uid map: Permission denied" >&2; exit 1',
      /setting up uid map: .*choose another provider/,
    ],
    ["is broken", "exit 3", /cannot be run: .*reinstall/],
    ["pretends to work", "exit 0", /could not be entered/],
  ])("nothing runs when bubblewrap %s", async (how, script, message) => {
    const { mark, args } = toMarking();
    const bin = await makeBin();
    const help = how === "is broken" ? "" : 'if [ "$1" = --help ]; then exit 0; fi\n';
    await writeFile(join(bin, "bwrap"), `#!/bin/sh\n${help}${script}\n`);
    await chmod(join(bin, "bwrap"), 0o755);

    const { code, stderr } = await door.say(args, { env: { PATH: `${bin}:${process.env["PATH"]}` } });

    expect(stderr).toMatch(message);
    expect([code, existsSync(mark)]).toEqual([125, false]);
  });

  it("runs as soon as it has been mended, in the same engine", async () => {
    const bin = await makeBin();
    await writeFile(join(bin, "bwrap"), "#!/bin/sh\nexit 1\n");
    await chmod(join(bin, "bwrap"), 0o755);
    const env = { PATH: `${bin}:${process.env["PATH"]}` };
    const before = await door.say(["run", "--", "true"], { env });
    chmodSync(join(bin, "bwrap"), 0);

    const after = await door.say(["run", "--", "true"], { env: { PATH: `${bin}:${process.env["PATH"]}` } });

    expect([before.code, after.code]).toEqual([125, 0]);
    expect((await door.enginePids()).length).toBe(1);
  });

  it("refuses a boundary and an option that there is not", async () => {
    const boundary = await door.say(["run", "--option", "boundary=walls", "--", "true"]);
    const option = await door.say(["run", "--option", "boundry=gvisor", "--", "true"]);

    expect([boundary.code, option.code]).toEqual([125, 125]);
    expect(boundary.stderr).toMatch(/no boundary "walls"\. Choose "namespaces" or "gvisor"/);
    expect(option.stderr).toMatch(/no option "boundry"/);
  });
});

describe("Docker that cannot be used (security 50)", () => {
  it.each([
    ["nothing is there", {}, /Docker is not running: none of its sockets is there\. Start Docker/],
    [
      "its socket is not there",
      { host: "unix:///nowhere.sock" },
      /not running: nothing answers at \/nowhere\.sock\. Start Docker/,
    ],
    [
      "nobody listens",
      { host: "tcp://127.0.0.1:1" },
      /not running: nothing answers at tcp:\/\/127\.0\.0\.1:1\. Start Docker/,
    ],
    ["the context is unknown", { context: "nope" }, /no Docker context "nope"\. "docker context ls"/],
  ])("is told of: %s", async (_what, options, message) => {
    const pairs = Object.entries(options).flatMap(([name, value]) => ["--option", `${name}=${value}`]);

    const { code, stderr } = await door.say(["run", "--provider", "docker", ...pairs, "--", "true"], {
      inside: WITHOUT_DAEMONS,
    });

    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^sandpiper: [^\n]*\n$/);
    expect(code).toBe(125);
    await expectOnRecord(message);
    // What the failed run was about to send is not what the next one sends.
    await door.write("late", "late\n");
    expect((await door.say(["run", "--", "cat", "late"])).stdout.toString()).toBe("late\n");
  });

  it("is told of when its socket is somebody else's, with how to be let in", async () => {
    const socket = join(door.folder, "docker.sock");
    const server = createServer().listen(socket);
    await new Promise((resolve) => server.once("listening", resolve));
    await chmod(socket, 0);

    const { code, stderr } = await door.say(
      ["run", "--provider", "docker", "--option", `host=unix://${socket}`, "--", "true"],
      { inside: AS_ORDINARY_USER },
    );
    server.close();

    expect(stderr).toMatch(/docker group|usermod|rootless/i);
    expect(code).toBe(125);
  });

  it("is told of when what answers is no Docker", async () => {
    const server = createServer((client) => client.end("SSH-2.0-OpenSSH_9.2\r\n")).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;

    const { code, stderr } = await door.say([
      "run",
      "--provider",
      "docker",
      "--option",
      `host=tcp://127.0.0.1:${port}`,
      "--",
      "true",
    ]);
    server.close();

    expect(stderr).toMatch(/127\.0\.0\.1:\d+/);
    expect(stderr).toMatch(/^sandpiper: [^\n]*\n$/);
    expect(code).toBe(125);
  });
});
