import { describe, expect, it } from "vitest";
import { silentLogger } from "../../../src/core/logger.ts";
import { SandboxError } from "../../../src/core/sandbox-error.ts";
import { EngineLink } from "../../../src/ui/engine-link.ts";
import { RunStore } from "../../../src/ui/run-store.ts";
import { FakeEngine, fakeRun, fakeSession, fakeSnapshot, liveRun, settle } from "./fake-engine.ts";

describe("EngineLink", () => {
  it("connects when something first needs it, and only once", async () => {
    let connections = 0;
    const link = new EngineLink(async () => {
      connections++;
      return new FakeEngine();
    }, silentLogger);
    expect(connections).toBe(0);

    await Promise.all([link.get(), link.get()]);

    expect(connections).toBe(1);
    expect(link.state).toBe("connected");
  });

  it("tries again after a failure, which it tells", async () => {
    const outcomes = [new SandboxError("unavailable", "no engine"), new FakeEngine()];
    const link = new EngineLink(async () => {
      const outcome = outcomes.shift();
      if (outcome instanceof Error) throw outcome;
      return outcome ?? new FakeEngine();
    }, silentLogger);

    await expect(link.get()).rejects.toMatchObject({ code: "unavailable" });
    expect(link.state).toBe("failed");
    await link.get();
    expect(link.state).toBe("connected");
  });

  it("connects anew by itself when the engine has gone in mid-run, and the store catches up", async () => {
    const engines = [new FakeEngine(), new FakeEngine()];
    const [first, second] = engines;
    if (first) first.runs = [liveRun()];
    if (second) second.runs = [fakeRun()];
    const rest = [...engines];
    const link = new EngineLink(async () => rest.shift() ?? new FakeEngine(), silentLogger);
    const store = new RunStore(link);
    await store.load();
    expect(store.run("run-1")?.state).toBe("running");

    first?.cut();
    await settle();

    expect(store.run("run-1")?.state).toBe("ended");
  });

  it("connects anew when the engine has gone while sandboxes were alive, and the store says what became of them", async () => {
    const engines = [new FakeEngine(), new FakeEngine()];
    const [first, second] = engines;
    if (first) first.sessions = [fakeSession()];
    if (second) second.sessions = [fakeSession({ state: "ended", endReason: "Its sandbox has ended." })];
    if (second) second.snapshots = [fakeSnapshot()];
    const rest = [...engines];
    const store = new RunStore(new EngineLink(async () => rest.shift() ?? new FakeEngine(), silentLogger));
    await store.load();
    expect(store.sessions).toHaveLength(1);

    first?.cut();
    await settle();

    expect(store.sessions).toEqual([]);
    expect(store.endedSessions.map(({ id }) => id)).toEqual(["s-1"]);
    expect(store.snapshots.map(({ id }) => id)).toEqual(["snap-1"]);
  });

  it("stays away from an engine that ended when nobody needed it", async () => {
    let connections = 0;
    const engine = new FakeEngine();
    const link = new EngineLink(async () => {
      connections++;
      return engine;
    }, silentLogger);
    await new RunStore(link).load();

    engine.cut();
    await settle();

    expect(connections).toBe(1);
  });
});

describe("RunStore", () => {
  it("keeps what it is told while it reads, which is newer than what it reads", async () => {
    const engine = new FakeEngine();
    engine.runs = [liveRun()];
    const store = new RunStore(new EngineLink(async () => engine, silentLogger));
    await store.load();
    const loaded = store.load();
    await Promise.resolve();
    store.putRun(fakeRun());
    store.putRun(liveRun({ id: "new" }));
    await loaded;

    expect(store.run("run-1")?.state).toBe("ended");
    expect(store.run("new")).toBeDefined();
  });

  it("lists runs although nobody knows what they cost", async () => {
    const engine = new FakeEngine();
    engine.runs = [fakeRun()];
    engine.readCosts = async () => {
      throw new SandboxError("unavailable", "The ledger of costs cannot be read.");
    };
    const store = new RunStore(new EngineLink(async () => engine, silentLogger));
    await store.load();

    expect([store.runs.length, store.costs]).toEqual([1, undefined]);
  });

  it("does not let a late answer bring a run back to life", () => {
    const store = new RunStore(new EngineLink(async () => new FakeEngine(), silentLogger));
    store.putRun(fakeRun());
    store.putRun(liveRun());

    expect(store.run("run-1")?.state).toBe("ended");
  });
});
