import { build } from "esbuild";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeOptions } from "../../esbuild.mjs";
import type { Sandbox } from "../../src/core/sandbox.ts";
import { findProgram } from "../../src/providers/local/find-program.ts";
import { createLocalProvider } from "../../src/providers/local/local-provider.ts";
import { type Host, spawnApart } from "../../src/providers/local/spawn-run.ts";
import { collectText, newCall, runToEnd, startText, toArray, waitForText } from "./run-to-end.ts";

/** The runtime isolates on Linux too, by bubblewrap; there it needs two programs more. */
const missing = ["bwrap", "rg", "socat"].filter((name) => !findProgram(name, "/usr/bin:/bin:/usr/local/bin"));
const folder = mkdtempSync(join(tmpdir(), "sandpiper seatbelt-"));
const bundle = mkdtempSync(join(tmpdir(), "sandpiper-bundle-"));
// Not the real one: what the runtime itself is made of may be in there, and is needed here.
const home = mkdtempSync(join(tmpdir(), "sandpiper-home-"));
writeFileSync(join(home, "diary"), "private");

const host: Host = {
  uid: 501,
  spawn: (argv, ...rest) => spawnApart(argv[0] === "/usr/bin/sandbox-exec" ? ["/bin/true"] : argv, ...rest),
};

afterAll(() => {
  for (const path of [folder, bundle, home]) rmSync(path, { recursive: true, force: true });
});

/** Local sandboxes as they are shipped, with the runner beside them and no package to be found. */
async function bundleLocal(): Promise<typeof createLocalProvider> {
  const entryPoints = {
    "chunks/local": "src/providers/local/local-provider.ts",
    "seatbelt-runner": "src/providers/local/seatbelt-runner.ts",
  };
  const { metafile } = await build({ ...nodeOptions, metafile: true, entryPoints, outdir: bundle });
  const holders = Object.entries(metafile.outputs).filter(([, { inputs }]) =>
    Object.keys(inputs).some((input) => input.includes("@anthropic-ai/sandbox-runtime")),
  );
  // What everybody loads must not load it along.
  expect(holders.map(([file]) => file.split("/").at(-1))).toEqual(["seatbelt-runner.js"]);
  const file = join(bundle, "chunks/local.js");
  return requireLocal(createRequire(file), file).createLocalProvider;
}

function requireLocal(require: NodeJS.Require, file: string): { createLocalProvider: typeof createLocalProvider } {
  return require(file);
}

const needs = missing.length > 0 ? ` (needs ${missing.join(" and ")} here)` : "";

describe.skipIf(missing.length > 0).each([
  ["from the sources", async () => createLocalProvider],
  ["from the bundle", bundleLocal],
])(`the runner of macOS, %s, under the sandbox runtime of this machine${needs}`, (_from, load) => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    const create = await load();
    const env = { HOME: home, PATH: "/usr/bin:/bin", TOKEN: "of the host" };
    const provider = create({}, { stateFolder: folder, env, platform: "darwin" }, host);
    const spec = { name: "n", labels: {}, network: "none", memoryMiB: 512, cpus: 1, maxProcesses: 64 } as const;
    const limits = { diskMiB: 100, lifetimeMs: 600_000, env: { FROM_SPEC: "it's" } };
    sandbox = await provider.create({ ...spec, ...limits }, newCall());
  });
  afterAll(async () => {
    await sandbox?.destroy(newCall());
  });
  const run = (script: string) => runToEnd(sandbox, ["sh", "-c", script]);

  it("keeps stdout, stderr and the code apart", async () => {
    const { stdout, stderr, status } = await run("echo a; echo b >&2; exit 3");

    expect([stdout, stderr, status]).toEqual(["a\n", "b\n", { kind: "exited", code: 3 }]);
  });

  it("hands stdin on and brings large output whole", async () => {
    const process = await sandbox.exec({ argv: ["sh", "-c", "cat; head -c 8388608 /dev/zero"] }, newCall());
    await process.write(Buffer.from("hello"));
    await process.closeStdin();

    expect((await collectText(process.stdout)).length).toBe(5 + 8_388_608);
    expect(await process.exit).toEqual({ kind: "exited", code: 0 });
  });

  it("gives the command the sandbox's environment and nothing of the host's or of the runtime's", async () => {
    const { stdout } = await run("env | sed 's/=.*//' | sort");

    const own = ["COPYFILE_DISABLE", "FROM_SPEC", "HOME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "TMPDIR", "USER"];
    expect(stdout.split("\n").filter((name) => name !== "" && name !== "_")).toEqual(own);
    expect((await runToEnd(sandbox, ["printenv", "FROM_SPEC"])).stdout).toBe("it's\n");
  });

  it("writes to the sandbox alone, sees nothing of home, and has no network", async () => {
    const { stdout } = await run(
      `echo kept >here; cat here; touch /usr/here "$HOME/../here" 2>/dev/null || echo refused; ls -A '${home}'; tail -n +3 /proc/net/dev | cut -d: -f1`,
    );

    expect(stdout.split(/\s+/)).toEqual(["kept", "refused", "lo", ""]);
  });

  it.each(["INT", "TERM", "KILL"] as const)("ends a command by %s", async (name) => {
    const running = await startText(sandbox, ["sh", "-c", "echo up; sleep 60 & sleep 60"]);
    await waitForText(running, "up");

    await running.process.signal(name);

    expect(await running.process.exit).not.toEqual({ kind: "exited", code: 0 });
  });

  it("kills the command when it is aborted, and stays usable", async () => {
    const controller = new AbortController();
    const call = { ...newCall(), signal: controller.signal };
    const running = await startText(sandbox, ["sh", "-c", "trap '' INT TERM; echo up; sleep 60"], { call });
    await waitForText(running, "up");

    controller.abort();

    expect(await running.process.exit).not.toMatchObject({ code: 0 });
    expect((await run("echo on")).stdout).toBe("on\n");
  });

  it("brings files in and out by the sandbox's own tools", async () => {
    await run("mkdir -p folder; echo text >folder/file");

    const { paths } = await sandbox.list(newCall());
    expect(paths).toContain("folder/file");
    const tar = Buffer.concat(await toArray(sandbox.collect(["folder/file"], newCall())));
    expect(tar.toString("latin1")).toContain("text\n");
  });
});
