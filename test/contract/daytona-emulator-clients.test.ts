import { daytona } from "@computesdk/daytona";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type DaytonaEmulator, EMULATOR_KEY, startDaytonaEmulator } from "../emulators/daytona/daytona-emulator.ts";

let emulator: DaytonaEmulator;

beforeAll(async () => {
  emulator = await startDaytonaEmulator();
  vi.stubEnv("DAYTONA_API_URL", emulator.url);
  vi.stubEnv("DAYTONA_TARGET", "us");
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await emulator.close();
});

/** Brings an older SDK of the vendor's along, under its former name. */
describe("somebody else's client of the emulated Daytona", () => {
  it("runs commands and handles files", async () => {
    const sandbox = await daytona({ apiKey: EMULATOR_KEY }).sandbox.create({ envs: { A: "1" } });

    await sandbox.filesystem.mkdir("/tmp/dir");
    await sandbox.filesystem.writeFile("/tmp/dir/a.txt", "hello");
    const ended = await sandbox.runCommand("cat dir/a.txt; echo $A; exit 4", { cwd: "/tmp" });

    expect(ended).toMatchObject({ exitCode: 4, stdout: "hello1\n" });
    expect(await sandbox.filesystem.readFile("/tmp/dir/a.txt")).toBe("hello");
    expect((await sandbox.filesystem.readdir("/tmp/dir")).map(({ name }) => name)).toEqual(["a.txt"]);
    expect(await sandbox.filesystem.exists("/tmp/dir/b.txt")).toBe(false);
    await sandbox.destroy();
    await expect.poll(() => emulator.books.leaked()).toEqual([]);
  });

  it("finds, lists and destroys sandboxes, and is told where their ports are", async () => {
    const compute = daytona({ apiKey: EMULATOR_KEY });
    const sandbox = await compute.sandbox.create({ metadata: { of: "computesdk" } });

    expect((await compute.sandbox.list()).map(({ sandboxId }) => sandboxId)).toEqual([sandbox.sandboxId]);
    expect((await compute.sandbox.getById(sandbox.sandboxId))?.sandboxId).toBe(sandbox.sandboxId);
    expect(await compute.sandbox.getById("none")).toBeNull();
    expect(await sandbox.getUrl({ port: 8080 })).toMatch(/^http:\/\/127\.0\.0\.1:\d+/);
    await compute.sandbox.destroy(sandbox.sandboxId);

    await expect.poll(() => emulator.books.sandboxes.at(-1)?.state).toBe("destroyed");
    expect(emulator.books.sandboxes.at(-1)?.labels).toMatchObject({ of: "computesdk" });
  });
});
