import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { e2b } from "@computesdk/e2b";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { EMULATOR_KEY, type E2bEmulator, startE2bEmulator } from "../emulators/e2b/e2b-emulator.ts";
import { connectSdk } from "../emulators/e2b/sdk.ts";

const CLI = new URL("../../node_modules/@e2b/cli/dist/index.js", import.meta.url).pathname;
let emulator: E2bEmulator;
let env: Record<string, string>;

beforeAll(async () => {
  emulator = await startE2bEmulator();
  env = { E2B_API_URL: emulator.url, E2B_SANDBOX_URL: emulator.url, E2B_API_KEY: EMULATOR_KEY };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await emulator.close();
});

describe("somebody else's client of the emulated E2B", () => {
  it("runs commands and handles files", async () => {
    const sandbox = await e2b({ apiKey: EMULATOR_KEY }).sandbox.create();

    await sandbox.filesystem.writeFile("/home/user/dir/a.txt", "hello");
    const ended = await sandbox.runCommand("cat dir/a.txt; echo $WORD; exit 4", { env: { WORD: "word" } });

    expect(ended).toMatchObject({ exitCode: 4 });
    expect(ended.stdout).toContain("hello");
    expect((await sandbox.filesystem.readdir("/home/user/dir")).map(({ name }) => name)).toEqual(["a.txt"]);
    expect(await sandbox.filesystem.exists("/home/user/dir/b.txt")).toBe(false);
    await sandbox.destroy();
    expect(emulator.books.leaked()).toEqual([]);
  });

  it("finds, lists and keeps sandboxes", async () => {
    const compute = e2b({ apiKey: EMULATOR_KEY });
    const sandbox = await compute.sandbox.create({ envs: { A: "1" } });

    expect((await compute.sandbox.list()).map(({ sandboxId }) => sandboxId)).toEqual([sandbox.sandboxId]);
    expect((await compute.sandbox.getById(sandbox.sandboxId))?.sandboxId).toBe(sandbox.sandboxId);
    expect(await compute.sandbox.getById("none")).toBeNull();
    await compute.sandbox.destroy(sandbox.sandboxId);
    expect(emulator.books.sandboxes.at(-1)?.state).toBe("ended");
  });
});

describe("the vendor's command line", () => {
  it("lists templates and sandboxes, and runs commands in one", async () => {
    const { sandboxId } = await connectSdk(emulator).newSandbox({ metadata: { of: "cli" } });

    expect(await cli("template", "list")).toContain("code-interpreter-v1");
    expect(await cli("sandbox", "list")).toContain(sandboxId);
    expect(await cli("sandbox", "exec", sandboxId, "echo from $HOME")).toBe("from /home/user\n");
    expect(await cli("sandbox", "info", sandboxId)).toContain("State: running");
  });

  it("creates, pauses, resumes and kills", async () => {
    await cli("sandbox", "create", "--detach", "base");
    const record = emulator.books.sandboxes.at(-1);

    await cli("sandbox", "pause", record?.id ?? "");
    expect(emulator.books.paused()).toContain(record?.id);
    await cli("sandbox", "resume", record?.id ?? "");
    expect(emulator.books.leaked()).toContain(record?.id);
    await cli("sandbox", "kill", record?.id ?? "");

    expect(emulator.books.leaked()).not.toContain(record?.id);
  });

  it("keeps snapshots", async () => {
    const { sandboxId } = await connectSdk(emulator).newSandbox();

    await cli("sandbox", "snapshot", "create", sandboxId);
    const [snapshotId = ""] = emulator.books.snapshots;

    expect(await cli("sandbox", "snapshot", "list")).toContain(snapshotId.split(":")[0]);
    await cli("sandbox", "snapshot", "delete", snapshotId);
    expect(emulator.books.snapshots).toEqual([]);
  });
});

/** What it prints. @throws with what it says when it fails */
async function cli(...argv: string[]): Promise<string> {
  const running = promisify(execFile)(process.execPath, [CLI, ...argv], {
    env: { ...env, PATH: process.env["PATH"], HOME: "/nonexistent" },
  });
  // What it runs would wait for input, too.
  running.child.stdin?.end();
  return (await running).stdout;
}
