import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { createModalProvider } from "../../src/providers/modal/modal-provider.ts";
import { DEFAULT_TARGET } from "../../src/sessions/default-target.ts";
import type { Target } from "../../src/sessions/records.ts";
import type { SnapshotRecord } from "../../src/sessions/snapshot-records.ts";
import { startModalEmulator } from "../emulators/modal/modal-emulator.ts";
import { EngineBench } from "../fakes/engine-bench.ts";
import { toEmulatorDeps } from "./modal-subject.ts";

const emulator = await startModalEmulator();
afterAll(() => emulator.close());

const H100: Target = { ...DEFAULT_TARGET, providerId: "modal", gpu: "H100" };
const L4: Target = { ...H100, gpu: "L4" };
const MIB = 1024 ** 2;
/** What starting a sandbox, one command and looking at files come to without any content. */
const OVERHEAD_BYTES = 16 * 1024;

let bench: EngineBench;

beforeEach(async () => {
  const provider = createModalProvider({}, toEmulatorDeps(emulator.url));
  bench = await EngineBench.create({ loadProvider: async () => provider });
});

afterEach(async () => {
  for (const { id, state } of await bench.engine.listSessions())
    if (state !== "ended") await bench.engine.destroySession(id);
  await bench.dispose();
  expect(emulator.books.leaked()).toEqual([]);
});

/** The newest snapshot of that session, once Modal has its files, too. */
async function savedSnapshot(sessionId: string | undefined): Promise<SnapshotRecord> {
  const find = async (): Promise<SnapshotRecord | undefined> =>
    (await bench.engine.listSnapshots()).find((snapshot) => snapshot.sessionId === sessionId);
  await expect.poll(async () => (await find())?.accelerated, { timeout: 20_000 }).toBeDefined();
  const found = await find();
  if (!found) throw new Error("There is none.");
  return found;
}

/** All that the newest sandbox got as input. */
function inputBytes(): number {
  return emulator.books.sandboxes.at(-1)?.stdinBytes ?? 0;
}

describe("a session on Modal that was destroyed", () => {
  it("goes on with another GPU, and gets over the wire only what Modal does not have", async () => {
    await bench.write("data.bin", randomBytes(1.5 * MIB).toString("hex"));
    await bench.write("train.py", "v1");
    const { run: first } = await bench.runLine("head -c 2000000 /dev/urandom > model.bin; sha256sum model.bin > sum", {
      target: H100,
    });
    const snapshot = await savedSnapshot(first.sessionId);
    expect(inputBytes()).toBeGreaterThan(3 * MIB);
    await bench.engine.destroySession(first.sessionId ?? "");

    const session = await bench.engine.restoreSession(snapshot.id, L4);
    await bench.write("train.py", "v2");
    const { run, stdout } = await bench.runLine("sha256sum -c sum; cat train.py; wc -c < data.bin", { target: L4 });

    expect(run.sessionId).toBe(session.id);
    expect(stdout).toBe(`model.bin: OK\nv2${3 * MIB}\n`);
    expect(run.sent).toEqual({ fileCount: 1, totalBytes: 2 });
    expect(run.notes?.join()).toMatch(
      /^Restored the session: mounted 4\.9 MiB from Modal's snapshot of \d\d:\d\d; sent nothing\.$/,
    );
    expect(emulator.books.sandboxes.at(-1)).toMatchObject({ gpu: "L4:1", backEnd: "v1" });
    expect(inputBytes()).toBeLessThan(OVERHEAD_BYTES);
    expect((await bench.engine.readChanges(run.id)).length).toBe(0);
  });

  it("is sent everything when Modal has lost what it kept", async () => {
    await bench.write("data.bin", randomBytes(MIB).toString("hex"));
    const { run: first } = await bench.runLine("true", { target: H100 });
    await savedSnapshot(first.sessionId);
    await bench.engine.destroySession(first.sessionId ?? "");
    emulator.faults.inject({
      kind: "error",
      method: "TaskMountDirectory",
      code: "NOT_FOUND",
      details: "No such image",
    });

    const { run, stdout } = await bench.runLine("wc -c < data.bin", { target: L4 });

    expect(stdout).toBe(`${2 * MIB}\n`);
    expect(run.sent?.fileCount).toBe(1);
    expect(inputBytes()).toBeGreaterThan(2 * MIB);
  });

  it("leaves a run's changes to be found in a sandbox that was mounted", async () => {
    await bench.write("data.bin", randomBytes(MIB).toString("hex"));
    await bench.write("notes.txt", "one");
    const { run: first } = await bench.runLine("true", { target: H100 });
    await savedSnapshot(first.sessionId);
    await bench.engine.destroySession(first.sessionId ?? "");

    const { run } = await bench.runLine("echo two > notes.txt; echo new > new.txt; rm data.bin", { target: L4 });

    expect(run.sent).toEqual({ fileCount: 0, totalBytes: 0 });
    const changes = await bench.engine.readChanges(run.id);
    expect(changes.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
      "deleted data.bin",
      "added new.txt",
      "modified notes.txt",
    ]);
  });
});
