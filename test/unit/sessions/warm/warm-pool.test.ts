import { afterEach, beforeEach, expect, it } from "vitest";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import { createDeferred } from "../../../../src/sessions/deferred.ts";
import { DEFAULT_TARGET } from "../../../../src/sessions/default-target.ts";
import type { SessionRecord, Target } from "../../../../src/sessions/records.ts";
import { EngineBench } from "../../../fakes/engine-bench.ts";
import { FakeClock } from "../../../fakes/fake-clock.ts";

const CLOUD: Target = { ...DEFAULT_TARGET, providerId: "modal" };
const MINUTE_MS = 60_000;

let bench: EngineBench;
let clock: FakeClock;

beforeEach(async () => {
  clock = new FakeClock(Date.now());
  bench = await EngineBench.create({ clock });
});

afterEach(async () => {
  await bench.dispose();
});

async function listIdle(): Promise<readonly SessionRecord[]> {
  return (await bench.engine.listSessions()).filter(({ isWarm, state }) => isWarm && state === "ready");
}

/** Resolves with those that are kept ready once there are so many. */
async function waitForIdle(count: number): Promise<readonly SessionRecord[]> {
  return await new Promise((resolve) => {
    const look = async (): Promise<void> => {
      const idle = await listIdle();
      if (idle.length === count) resolve(idle);
    };
    bench.engine.onDidChange((event) => void (event.type === "session" && look()));
    void look();
  });
}

it("keeps nothing ready unless it is asked to", async () => {
  await bench.runLine("true", { target: CLOUD });
  await bench.engine.dispose();

  expect(bench.provider.createdSpecs).toHaveLength(1);
});

it("makes sandboxes like the last one used once a session was started, each on record", async () => {
  await bench.engine.setWarmPool(2);
  expect(bench.provider.createdSpecs).toHaveLength(0);

  await bench.runLine("true", { target: CLOUD });
  const idle = await waitForIdle(2);

  expect(idle).toMatchObject([
    { target: CLOUD, workspaceRoot: "" },
    { target: CLOUD, workspaceRoot: "" },
  ]);
  expect(bench.provider.sandboxes.size).toBe(3);
});

it("keeps none ready where nobody pays for a sandbox by the hour", async () => {
  await bench.engine.setWarmPool(2);

  await bench.runLine("true");

  expect(await bench.engine.listSessions()).toHaveLength(1);
});

it("gives one to the next session of any workspace, and makes another", async () => {
  await bench.engine.setWarmPool(1);
  await bench.engine.startSession(bench.workspace, CLOUD);
  const [idle] = await waitForIdle(1);
  await bench.write("a.txt", "mine");
  clock.advance(1000);

  const session = await bench.engine.startSession(bench.workspace, CLOUD);
  const [next] = await waitForIdle(1);
  const { run, stdout } = await bench.runLine("cat a.txt; echo made > b.txt", { target: CLOUD });

  expect(session).toMatchObject({ id: idle?.id, sandboxId: idle?.sandboxId, workspaceRoot: bench.workspace });
  expect(session.name).toBe("workspace");
  expect(session.isWarm).toBeUndefined();
  expect(next?.id).not.toBe(session.id);
  expect([stdout, run.sessionId]).toEqual(["mine", session.id]);
  expect(run.changes).toMatchObject({ added: 1 });
});

it("gives each to one session alone, however many ask at once", async () => {
  await bench.engine.setWarmPool(1);
  await bench.engine.startSession(bench.workspace, CLOUD);
  await waitForIdle(1);

  const sessions = await Promise.all([1, 2, 3].map(() => bench.engine.startSession(bench.workspace, CLOUD)));

  expect(new Set(sessions.map(({ sandboxId }) => sandboxId)).size).toBe(3);
});

it("does not give one to a session of another kind, and keeps that kind ready from then on", async () => {
  const larger: Target = { ...CLOUD, memoryMiB: 8192 };
  await bench.engine.setWarmPool(1);
  await bench.engine.startSession(bench.workspace, CLOUD);
  const [old] = await waitForIdle(1);

  const session = await bench.engine.startSession(bench.workspace, larger);
  await expect.poll(async () => (await listIdle()).map(({ target }) => target.memoryMiB)).toEqual([8192]);

  expect(session.id).not.toBe(old?.id);
  expect(bench.provider.sandboxes.has(old?.sandboxId ?? "")).toBe(false);
});

it("takes no sandbox that has gone meanwhile", async () => {
  await bench.engine.setWarmPool(1);
  await bench.engine.startSession(bench.workspace, CLOUD);
  const [idle] = await waitForIdle(1);
  await bench.provider.lose(idle?.sandboxId ?? "");

  const session = await bench.engine.startSession(bench.workspace, CLOUD);

  expect(session.id).not.toBe(idle?.id);
  expect(bench.provider.sandboxes.has(session.sandboxId ?? "")).toBe(true);
});

it("takes no sandbox that will not last for as long as the run", async () => {
  await bench.engine.setWarmPool(1);
  await bench.engine.startSession(bench.workspace, CLOUD);
  const [idle] = await waitForIdle(1);
  clock.advance(14 * MINUTE_MS);

  const { run } = await bench.runLine("true", {
    target: CLOUD,
    timeoutMs: 50 * MINUTE_MS,
  });

  expect(run.exit).toEqual({ kind: "exited", code: 0 });
  expect(run.sessionId).not.toBe(idle?.id);
});

it("ends one that nobody took for a quarter of an hour, and makes no other until a session is started", async () => {
  await bench.engine.setWarmPool(1);
  await bench.engine.startSession(bench.workspace, CLOUD);
  await waitForIdle(1);

  clock.advance(15 * MINUTE_MS);
  await waitForIdle(0);
  await expect.poll(() => bench.provider.sandboxes.size).toBe(1);
  expect(bench.provider.createdSpecs).toHaveLength(2);

  await bench.engine.startSession(bench.workspace, CLOUD);
  await waitForIdle(1);
  expect(bench.provider.createdSpecs).toHaveLength(4);
});

it("keeps a sandbox that was taken, however long ago it was made ready", async () => {
  await bench.engine.setWarmPool(1);
  await bench.engine.startSession(bench.workspace, CLOUD);
  await waitForIdle(1);
  const session = await bench.engine.startSession(bench.workspace, CLOUD);

  clock.advance(16 * MINUTE_MS);
  await waitForIdle(0);

  expect(bench.provider.sandboxes.has(session.sandboxId ?? "")).toBe(true);
});

it("ends all of them when none are wanted any more", async () => {
  await bench.engine.setWarmPool(2);
  await bench.engine.startSession(bench.workspace, CLOUD);
  await waitForIdle(2);

  await bench.engine.setWarmPool(0);

  expect(bench.provider.sandboxes.size).toBe(1);
  expect((await bench.engine.listSessions()).filter(({ isWarm }) => isWarm)).toEqual([]);
});

it("gives up one that is being made when none are wanted any more", async () => {
  const making = createDeferred<void>();
  const goOn = createDeferred<void>();
  bench.provider.onStep = async (step) => {
    if (step !== "create-answer" || bench.provider.createdSpecs.length < 2) return;
    making.resolve();
    await goOn.promise;
  };
  await bench.engine.setWarmPool(1);
  await bench.engine.startSession(bench.workspace, CLOUD);
  await making.promise;

  const set = bench.engine.setWarmPool(0);
  goOn.resolve();
  await set;

  expect(bench.provider.sandboxes.size).toBe(1);
});

it("ends them with the engine", async () => {
  await bench.engine.setWarmPool(2);
  const { sandboxId } = await bench.engine.startSession(bench.workspace, CLOUD);
  await waitForIdle(2);

  await bench.engine.dispose();

  expect([...bench.provider.sandboxes.keys()]).toEqual([sandboxId]);
});

it("ends those of an engine that died when the next one starts, and remembers how many are wanted", async () => {
  await bench.engine.setWarmPool(1);
  const { sandboxId } = await bench.engine.startSession(bench.workspace, CLOUD);
  await waitForIdle(1);

  await bench.restart({ clock });
  await expect.poll(() => [...bench.provider.sandboxes.keys()]).toEqual([sandboxId]);
  await bench.engine.startSession(bench.workspace, CLOUD);

  expect(await waitForIdle(1)).toHaveLength(1);
});

it("goes without when the provider makes none, and fails nothing for it", async () => {
  bench.provider.onStep = (step) => {
    if (step === "create" && bench.provider.createdSpecs.length > 0) throw new SandboxError("quota", "Full.");
  };
  await bench.engine.setWarmPool(1);

  const { run } = await bench.runLine("true", { target: CLOUD });

  expect(run.exit).toEqual({ kind: "exited", code: 0 });
  expect(bench.provider.sandboxes.size).toBe(1);
});

it("ends a sandbox whose files could not be restored into it", async () => {
  await bench.write("a.txt", "a");
  const source = { kind: "workspace", workspaceRoot: bench.workspace, overlays: [], maxFileMiB: 1 } as const;
  const { id } = await bench.engine.takeSnapshot(source);
  await bench.engine.setWarmPool(1);
  await bench.engine.startSession(bench.workspace, CLOUD);
  const [idle] = await waitForIdle(1);
  bench.provider.onStep = (step) => {
    if (step === "apply") throw new SandboxError("unavailable", "No.");
  };

  await expect(bench.engine.restoreSession(id, CLOUD)).rejects.toThrow("No.");

  expect(bench.provider.sandboxes.has(idle?.sandboxId ?? "")).toBe(false);
});

it.each([-1, 0.5, 21])("refuses to keep %d ready", async (size) => {
  await expect(bench.engine.setWarmPool(size)).rejects.toThrow(/between 0 and 20/);
});
