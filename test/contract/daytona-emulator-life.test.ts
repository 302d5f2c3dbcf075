import { GpuType, Image } from "@daytona/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { type DaytonaEmulator, startDaytonaEmulator } from "../emulators/daytona/daytona-emulator.ts";
import { type ConnectedSdk, connectSdk } from "../emulators/daytona/sdk.ts";

let emulator: DaytonaEmulator;
let sdk: ConnectedSdk;

beforeAll(async () => {
  emulator = await startDaytonaEmulator();
  sdk = await connectSdk(emulator);
});

afterAll(async () => {
  await sdk.close();
  await emulator.close();
});

/** An emulator whose minutes last 300 ms, for one test. */
async function withShortMinutes(act: (own: DaytonaEmulator, ownSdk: ConnectedSdk) => Promise<void>): Promise<void> {
  const own = await startDaytonaEmulator({ minuteMs: 300 });
  const ownSdk = await connectSdk(own);
  try {
    await act(own, ownSdk);
  } finally {
    await ownSdk.close();
    await own.close();
  }
}

function stateOf({ books }: DaytonaEmulator, id: string): string | undefined {
  return books.sandboxes.find((one) => one.id === id)?.state;
}

describe("the life of an emulated Daytona sandbox", () => {
  it("keeps files over a stop, and no processes", async () => {
    const sandbox = await sdk.newSandbox();
    await sandbox.process.executeCommand("echo kept >/root/file; setsid sleep 3333 >/dev/null 2>&1 &");
    await sandbox.process.createSession("one");

    await sandbox.stop();
    expect(sandbox.state).toBe("stopped");
    await expect(sandbox.process.executeCommand("true")).rejects.toThrow("Is the Sandbox started?");
    await sandbox.start();

    const { result } = await sandbox.process.executeCommand("cat /root/file; ps -e -o args= | grep -c '[s]leep 3333'");
    expect(result).toBe("kept\n0\n");
    expect(await sandbox.process.listSessions()).toEqual([]);
  });

  it("goes into an archive and comes back", async () => {
    const sandbox = await sdk.newSandbox();
    await sandbox.process.executeCommand("echo kept >/root/file");
    await expect(sandbox.archive()).rejects.toThrow("Sandbox is not stopped");
    await sandbox.stop();

    await sandbox.archive();
    await expect.poll(() => stateOf(emulator, sandbox.id)).toBe("archived");
    await sandbox.start();

    expect((await sandbox.process.executeCommand("cat /root/file")).result).toBe("kept\n");
  });

  it("pauses a virtual machine with its processes, and no container", async () => {
    const container = await sdk.newSandbox();
    const machine = await sdk.daytona.create({ snapshot: "daytona-vm-small" });
    await machine.process.createSession("one");
    const order = { command: "read line; echo got $line", runAsync: true, suppressInputEcho: true };
    const { cmdId } = await machine.process.executeSessionCommand("one", order);

    await machine.pause();
    expect(machine.state).toBe("paused");
    await machine.start();
    const heard = Promise.withResolvers<string>();
    const followed = machine.process.getSessionCommandLogs("one", cmdId, heard.resolve, () => {});
    await machine.process.sendSessionCommandInput("one", cmdId, "on");

    await followed;
    expect((await machine.process.getSessionCommand("one", cmdId)).exitCode).toBe(0);
    await expect(container.pause()).rejects.toMatchObject({ statusCode: 422 });
  });

  it("tells of its states as they change, to who has said who he is", async () => {
    const states: string[] = [];
    const socket = new WebSocket(`${emulator.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
    const joined = Promise.withResolvers<void>();
    socket.on("message", (data: Buffer) => {
      const packet = data.toString();
      if (packet.startsWith("0")) socket.send('40{"token":"dtn_emulator"}');
      if (packet.startsWith("40")) joined.resolve();
      const [, state] = /"newState":"(\w+)"/.exec(packet) ?? [];
      if (state) states.push(state);
    });
    await joined.promise;

    const sandbox = await sdk.daytona.create({ image: Image.base("python:3.13").env({ OF_IMAGE: "built" }) });
    await sandbox.stop();
    await sandbox.delete(60, true);

    socket.close();
    const all = ["building_snapshot", "creating", "started", "stopping", "stopped", "destroying", "destroyed"];
    await expect.poll(() => states).toEqual(all);
  });

  it("is refused while another change is under way", async () => {
    const sandbox = await sdk.newSandbox();
    const stopped = sandbox.stop();

    const outcomes = await Promise.allSettled([stopped, sandbox.resize({ cpu: 2 })]);

    expect(outcomes).toMatchObject([{ status: "fulfilled" }, { status: "rejected", reason: { statusCode: 409 } }]);
  });

  it("grows while it runs, and its disk when it is stopped", async () => {
    const sandbox = await sdk.newSandbox({ resources: { cpu: 1, memory: 2, disk: 4 } });

    await sandbox.resize({ cpu: 2, memory: 4 });
    await expect(sandbox.resize({ disk: 8 })).rejects.toThrow("when stopped");
    await sandbox.stop();
    await sandbox.resize({ disk: 8 });

    expect(sandbox).toMatchObject({ cpu: 2, memory: 4, disk: 8 });
  });

  it("takes other labels, and is found by them, a page at a time", async () => {
    const made = await Promise.all([1, 2, 3].map(() => sdk.newSandbox({ labels: { page: "yes" } })));
    await made[0]?.setLabels({ page: "no" });

    const found: string[] = [];
    for await (const { id } of sdk.daytona.list({ labels: { page: "yes" }, limit: 1 })) found.push(id);

    expect(new Set(found)).toEqual(new Set([made[1]?.id, made[2]?.id]));
  });

  it("has a name of its own, by which it is found", async () => {
    const sandbox = await sdk.newSandbox({ name: "by-name" });

    await expect(sdk.newSandbox({ name: "by-name" })).rejects.toMatchObject({ name: "DaytonaConflictError" });
    expect((await sdk.daytona.get("by-name")).id).toBe(sandbox.id);
    await sandbox.delete(60, true);
    await expect(sdk.daytona.get("by-name")).rejects.toMatchObject({ name: "DaytonaNotFoundError" });
    await expect(sdk.newSandbox({ name: "by-name" })).resolves.toBeDefined();
  });

  it("is paid for from its creation to its stop", async () => {
    const sandbox = await sdk.newSandbox();
    await sandbox.stop();
    const read = () => emulator.books.sandboxes.find(({ id }) => id === sandbox.id)?.billedSeconds ?? 0;

    const billed = read();
    await sandbox.delete(60, true);

    expect(billed).toBeGreaterThan(0);
    expect(read()).toBe(billed);
    expect(emulator.books.leaked()).not.toContain(sandbox.id);
  });
});

describe("what happens to an emulated sandbox by itself", () => {
  it("stops it when no client calls, though a command runs", async () => {
    await withShortMinutes(async (own, ownSdk) => {
      const sandbox = await ownSdk.newSandbox({ autoStopInterval: 2 });
      await sandbox.process.createSession("one");
      await sandbox.process.executeSessionCommand("one", { command: "sleep 100", runAsync: true });

      await expect.poll(() => stateOf(own, sandbox.id), { timeout: 10_000 }).toBe("stopped");
    });
  });

  it("does not stop it while a client says that it is there", async () => {
    await withShortMinutes(async (own, ownSdk) => {
      const sandbox = await ownSdk.newSandbox({ autoStopInterval: 4 });
      const other = await ownSdk.newSandbox({ autoStopInterval: 4 });
      const beat = setInterval(() => void sandbox.refreshActivity().catch(() => {}), 200);

      await expect.poll(() => stateOf(own, other.id), { timeout: 10_000 }).toBe("stopped");
      clearInterval(beat);

      expect(stateOf(own, sandbox.id)).toBe("started");
    });
  });

  it("archives and deletes what has been stopped for long", async () => {
    await withShortMinutes(async (own, ownSdk) => {
      const kept = await ownSdk.newSandbox({ autoArchiveInterval: 1 });
      const gone = await ownSdk.newSandbox({ autoDeleteInterval: 1 });
      await Promise.all([kept.stop(), gone.stop()]);

      await expect.poll(() => stateOf(own, kept.id)).toBe("archived");
      await expect.poll(() => stateOf(own, gone.id)).toBe("destroyed");
    });
  });

  it("destroys it when its time to live is up, counted anew when it is set", async () => {
    await withShortMinutes(async (own, ownSdk) => {
      const sandbox = await ownSdk.newSandbox({ ttlMinutes: 1000 });
      await sandbox.refreshData();
      expect(sandbox.autoDestroyAt).toBeDefined();

      await sandbox.setTtl(1);

      await expect.poll(() => stateOf(own, sandbox.id)).toBe("destroyed");
    });
  });

  it("destroys an ephemeral one instead of stopping it, and every GPU's is one", async () => {
    const wish = { resources: { gpu: 1, gpuType: [GpuType.H200, GpuType.H100] } };
    await expect(sdk.newSandbox(wish)).rejects.toThrow("GPU sandboxes must be ephemeral");
    const sandbox = await sdk.newSandbox({ ...wish, ephemeral: true });
    expect(sandbox.gpuType).toBe("H200");

    await sandbox.stop();

    expect(stateOf(emulator, sandbox.id)).toBe("destroyed");
  });
});

describe("snapshots of the emulated Daytona", () => {
  it("carry files and sizes, also of a GPU's sandbox before it is gone", async () => {
    const sandbox = await sdk.newSandbox({ resources: { cpu: 2, memory: 3, disk: 4 } });
    await sandbox.process.executeCommand("echo kept >/root/file");
    await sandbox.createSnapshot("carried");
    await sandbox.delete();

    const made = await sdk.daytona.create({ snapshot: "carried" });

    expect((await made.process.executeCommand("cat /root/file")).result).toBe("kept\n");
    expect(made).toMatchObject({ cpu: 2, memory: 3, disk: 4, snapshot: "carried" });
  });

  it("are listed, found by name, and deleted", async () => {
    const sandbox = await sdk.newSandbox();
    await sandbox.createSnapshot("listed");
    await expect(sandbox.createSnapshot("listed")).rejects.toMatchObject({ statusCode: 409 });

    expect(await sdk.daytona.snapshot.get("listed")).toMatchObject({ state: "active", sourceSandboxId: sandbox.id });
    expect(emulator.books.snapshots).toContain("listed");
    await sdk.daytona.snapshot.delete("listed");

    await expect(sdk.daytona.snapshot.get("listed")).rejects.toMatchObject({ statusCode: 404 });
    await expect(sdk.daytona.create({ snapshot: "listed" })).rejects.toThrow("Snapshot listed not found");
    await expect(sdk.daytona.snapshot.delete("daytona-small")).rejects.toMatchObject({ statusCode: 403 });
  });

  it("are made of images whose tag does not move, and of Dockerfiles, which are run", async () => {
    const moving = sdk.daytona.snapshot.create({ name: "moving", image: "debian:latest" });
    await expect(moving).rejects.toMatchObject({ statusCode: 400 });
    const image = Image.base("debian:13").runCommands("echo built >/opt-file").env({ OF_IMAGE: "yes" });
    const snapshot = await sdk.daytona.snapshot.create({ name: "built", image });

    const sandbox = await sdk.daytona.create({ snapshot: snapshot.name });

    expect((await sandbox.process.executeCommand("cat /opt-file; echo $OF_IMAGE")).result).toBe("built\nyes\n");
  });
});

describe("the limits of an emulated account", () => {
  it("say what is too much", async () => {
    const own = await startDaytonaEmulator({
      limits: { cpu: 2, memory: 2, disk: 9, createsPerMinute: 5 },
      gpus: { H100: 1 },
    });
    const ownSdk = await connectSdk(own);
    const first = await ownSdk.newSandbox();

    await expect(ownSdk.newSandbox({ resources: { cpu: 2 } })).rejects.toThrow("Total CPU limit exceeded");
    await expect(ownSdk.newSandbox({ resources: { memory: 2 } })).rejects.toThrow("Total memory limit exceeded");
    await first.stop();
    await expect(ownSdk.newSandbox({ resources: { disk: 7 } })).rejects.toThrow("Total disk limit exceeded");
    const gpu = { resources: { gpu: 2, gpuType: GpuType.H100 }, ephemeral: true };
    await expect(ownSdk.newSandbox(gpu)).rejects.toThrow("No available runners with GPU type: H100.");
    const sixth = ownSdk.newSandbox();
    await expect(sixth).rejects.toMatchObject({ name: "DaytonaRateLimitError", statusCode: 429 });
    const error: unknown = await sixth.catch((reason: unknown) => reason);

    await ownSdk.close();
    await own.close();
    expect(error).toHaveProperty(["headers", "retry-after"]);
  });
});
