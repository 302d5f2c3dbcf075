import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type E2bEmulator, startE2bEmulator } from "../emulators/e2b/e2b-emulator.ts";
import { type ConnectedSdk, connectSdk, run } from "../emulators/e2b/sdk.ts";

const MINUTE_MS = 60_000;
let emulator: E2bEmulator;
let sdk: ConnectedSdk;

beforeAll(async () => {
  emulator = await startE2bEmulator();
  sdk = connectSdk(emulator);
});

afterAll(() => emulator.close());

describe("a snapshot of the emulated E2B", () => {
  it("is what new sandboxes start from, with files and owners, after its sandbox has gone", async () => {
    const sandbox = await sdk.newSandbox();
    await run(sandbox, "mkdir work; echo one >work/a; chmod 700 work; ln -s a work/link");
    const { snapshotId } = await sandbox.createSnapshot();
    await run(sandbox, "echo two >work/a");
    await sandbox.kill();

    const restored = await sdk.Sandbox.create(snapshotId);

    expect((await run(restored, "stat -c '%U %a' work; cat work/link")).stdout).toBe("user 700\none\n");
    expect((await restored.getInfo()).memoryMB).toBe(512);
  });

  it("lets the sandbox run on, and cuts who is connected to it", async () => {
    const sandbox = await sdk.newSandbox();
    const command = await sandbox.commands.run("sleep 1000", { background: true });

    await sandbox.createSnapshot();

    await expect(command.wait()).rejects.toThrow("terminated");
    expect(await sandbox.commands.kill(command.pid)).toBe(true);
  });

  it("is named, listed, replaced by one of its name, and deleted", async () => {
    const sandbox = await sdk.newSandbox();
    const named = await sandbox.createSnapshot({ name: "mine" });
    const unnamed = await sandbox.createSnapshot();
    expect(named).toEqual({ snapshotId: "emulator/mine:default", names: ["emulator/mine"] });
    await run(sandbox, "echo new >file");
    await sandbox.createSnapshot({ name: "mine" });

    const listed = await sdk.Sandbox.listSnapshots({ sandboxId: sandbox.sandboxId }).nextItems();

    expect(listed.map(({ snapshotId }) => snapshotId).toSorted()).toEqual(
      [named.snapshotId, unnamed.snapshotId].toSorted(),
    );
    expect(await (await sdk.Sandbox.create("mine")).files.read("file")).toBe("new\n");
    expect(await sdk.Sandbox.deleteSnapshot(named.snapshotId)).toBe(true);
    expect(await sdk.Sandbox.deleteSnapshot(named.snapshotId)).toBe(false);
    await expect(sdk.Sandbox.create(named.snapshotId)).rejects.toMatchObject({ statusCode: 404 });
  });

  it("is made for forks, of which each is a sandbox of its own", async () => {
    const sandbox = await sdk.newSandbox();
    await run(sandbox, "echo shared >file");

    const forks = await sandbox.fork({ count: 2, timeoutMs: MINUTE_MS });

    const [one, other] = forks.filter((fork) => "files" in fork);
    if (!one || !other) throw new Error("There are no forks.");
    await one.files.write("file", "own");
    expect(await other.files.read("file")).toBe("shared\n");
    expect(await sandbox.files.read("file")).toBe("shared\n");
  });
});
