import { SandboxRuntimeConfigSchema } from "@anthropic-ai/sandbox-runtime";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../../../../src/core/logger.ts";
import type { Sandbox } from "../../../../src/core/sandbox.ts";
import { createLocalProvider } from "../../../../src/providers/local/local-provider.ts";
import { toSeatbeltConfig } from "../../../../src/providers/local/seatbelt.ts";
import { toStartCommand, toStartScript } from "../../../../src/providers/local/seatbelt-order.ts";
import { type Host, spawnApart, type SpawnOptions } from "../../../../src/providers/local/spawn-run.ts";

const call = { signal: new AbortController().signal, logger: silentLogger };
const spec = {
  name: "n",
  labels: {},
  network: "none",
  memoryMiB: 512,
  cpus: 1,
  maxProcesses: 64,
  diskMiB: 100,
  lifetimeMs: 60_000,
  env: { SECRET: "it's" },
} as const;
const env = { HOME: "/Users/me", PATH: "/usr/bin", TOKEN: "of the host" };

let folder: string;
let started: { argv: readonly string[]; options: SpawnOptions | undefined }[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "seatbelt-"));
  started = [];
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A Mac on which a shell script plays the runner; its stdin is the command's and descriptor 3 the control channel. */
const createHost = (runner: string, probe = "exit 0"): Host => ({
  uid: 501,
  spawn: (argv, pipes, options) => {
    started.push({ argv, options });
    const text = argv[0] === "/usr/bin/sandbox-exec" ? probe : `read -r order <&3\n${runner}`;
    return spawnApart(["/bin/sh", "-c", text, "sh", folder], pipes);
  },
});
const createProvider = (host: Host): ReturnType<typeof createLocalProvider> =>
  createLocalProvider({}, { stateFolder: folder, env, platform: "darwin" }, host);
const createSandbox = (runner: string): Promise<Sandbox> => createProvider(createHost(runner)).create(spec, call);

const literal = (path: string): unknown => ({ path, literal: true });

describe("Seatbelt's settings", () => {
  const plan = {
    folder: "/Users/me/Library/Application Support/sandpiper/sp-1",
    home: "/Users/me",
    network: "none",
    toolchains: { paths: ["/Users/me/.pyenv/versions/3.12"], searchPath: [] },
  } as const;

  it("are ones that the runtime takes, hide home and other people's data, and write to the sandbox alone", () => {
    const { network, filesystem } = toSeatbeltConfig(plan);

    expect(SandboxRuntimeConfigSchema.safeParse({ network, filesystem }).success).toBe(true);
    expect(network).toMatchObject({ allowedDomains: [], strictAllowlist: true, allowLocalBinding: false });
    for (const hidden of ["/Users/me", "/Users", "/Volumes", "/private/tmp", "/private/var/folders"])
      expect(filesystem.denyRead).toContainEqual(literal(hidden));
    expect(filesystem.allowRead).toContainEqual(literal("/Users/me/.pyenv/versions/3.12"));
    expect(filesystem.allowRead).not.toContainEqual(literal(plan.folder));
    expect(filesystem.allowWrite).toEqual([literal(`${plan.folder}/home`), literal(`${plan.folder}/tmp`)]);
  });

  it("open no proxy on the loopback", () => {
    expect(toSeatbeltConfig(plan).network).toMatchObject({ httpProxyPort: 1, socksProxyPort: 1 });
  });
});

describe("what the runtime is told to run", () => {
  it("takes everything off that the runtime adds to the environment", () => {
    expect(toStartCommand({ script: "/a b/s.sh", argv: ["echo", "it's $x"] })).toBe(
      `exec /usr/bin/env -i /bin/sh '/a b/s.sh' 'echo' 'it'\\''s $x'`,
    );
  });

  it.each([
    [["sh", "-c", 'printf %s "$A|$PWD|$OLDPWD|$cwd"'], "/tmp", 0, "it's|/tmp||"],
    [["no-such-program"], "/tmp", 127, "no-such-program: not found in the sandbox\n"],
    [["./no-such-file"], "/tmp", 127, "./no-such-file: not found in the sandbox\n"],
    [["/etc/passwd"], "/tmp", 126, "/etc/passwd: not executable in the sandbox\n"],
    [["true"], "/nowhere", 126, "/nowhere: cannot be entered in the sandbox\n"],
  ])("runs %j in %s", async (argv, cwd, code, said) => {
    const script = join(folder, "start.sh");
    writeFileSync(script, toStartScript({ argv, cwd, env: { A: "it's", PATH: "/usr/bin:/bin" } }, 100));

    const spawned = await spawnApart(["/bin/sh", "-c", toStartCommand({ script, argv })], 3);
    let text = "";
    for (const stream of [spawned.stdout, spawned.stderr])
      stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
    await new Promise((resolve) => spawned.child.once("close", resolve));

    expect([spawned.child.exitCode, text]).toEqual([code, said]);
  });
});

describe("local sandboxes on macOS", () => {
  it("start our runner with nothing of our environment, and tell it all by its control channel", async () => {
    const sandbox = await createSandbox('printf %s "$order" >"$1/order"; echo "failed enough seen" >&3');

    await expect(sandbox.exec({ argv: ["printenv", "SECRET"] }, call)).rejects.toMatchObject({
      code: "unavailable",
      message: "The sandbox could not be entered: enough seen.",
    });

    const inside = join(folder, "sandboxes", sandbox.id);
    const { argv, options } = started[1] ?? {};
    expect(argv).toEqual([process.execPath, expect.stringMatching(/\/seatbelt-runner\.(ts|js)$/)]);
    expect(options).toEqual({
      cwd: `${inside}/shown`,
      env: { HOME: `${inside}/home`, TMPDIR: `${inside}/tmp`, PATH: "/usr/bin:/bin:/usr/sbin:/sbin" },
    });
    const order: unknown = JSON.parse(readFileSync(join(folder, "order"), "utf8"));
    expect(order).toHaveProperty("argv", ["printenv", "SECRET"]);
    expect(order).toHaveProperty("config.filesystem.allowWrite.0.path", `${inside}/home`);
    expect(sandbox.workspace).toBe(`${inside}/home/workspace`);
    // Not even the script with the environment is left.
    expect(readdirSync(`${inside}/etc/sandpiper`).filter((name) => name.startsWith("start-"))).toEqual([]);
  });

  it("say what a runner said that ended before it started anything", async () => {
    const sandbox = await createSandbox("echo no such library >&2; exit 1");

    await expect(sandbox.exec({ argv: ["true"] }, call)).rejects.toThrow("no such library");
  });

  it("signal by the control channel, and end as lost when the runner is killed", async () => {
    const sandbox = await createSandbox('echo "started $$" >&3; read -r name <&3; echo "$name"; kill -KILL $$');
    const process = await sandbox.exec({ argv: ["sleep", "9"] }, call);

    await process.signal("TERM");

    let text = "";
    for await (const chunk of process.stdout) text += Buffer.from(chunk).toString();
    expect(text).toBe("TERM\n");
    expect(await process.exit).toMatchObject({ kind: "lost" });
  });

  it("refuse what they cannot keep, and make nothing", async () => {
    const provider = createProvider(createHost(""));
    const sandbox = await provider.create(spec, call);
    const terminal = sandbox.exec({ argv: ["sh"], pty: { columns: 80, rows: 24 } }, call);

    await expect(terminal).rejects.toMatchObject({ code: "unsupported" });
    await expect(provider.create({ ...spec, network: "full" }, call)).rejects.toMatchObject({ code: "unsupported" });
    expect(readdirSync(join(folder, "sandboxes"))).toEqual([sandbox.id]);
  });

  it.each([
    [
      "a Seatbelt that refuses",
      createHost("", "echo 'sandbox_apply: Operation not permitted' >&2; exit 71"),
      "not permitted",
    ],
    [
      "no Seatbelt",
      { uid: 501, spawn: (_argv, pipes) => spawnApart(["/nowhere/sandbox-exec"], pipes) } satisfies Host,
      "cannot be started",
    ],
    ["root", { ...createHost(""), uid: 0 }, "as an ordinary user"],
  ])("are refused with the remedy: %s", async (_name, host, said) => {
    await expect(createProvider(host).create(spec, call)).rejects.toThrow(said);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("are refused where home is not known, which could not be hidden then", async () => {
    const deps = { stateFolder: folder, env: {}, platform: "darwin" } as const;

    await expect(createLocalProvider({}, deps, createHost("")).check(call)).rejects.toThrow("HOME is not set");
  });
});
