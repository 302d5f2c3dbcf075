import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SandboxError } from "../../../src/core/sandbox-error.ts";
import { DEFAULT_TARGET } from "../../../src/sessions/default-target.ts";
import { EngineBench } from "../../fakes/engine-bench.ts";
import { FakeClock } from "../../fakes/fake-clock.ts";

let bench: EngineBench;

beforeEach(async () => {
  bench = await EngineBench.create();
});

afterEach(async () => {
  await bench.dispose();
});

async function statesOnDisk(): Promise<string[]> {
  const names = (await readdir(bench.state.ledger)).filter((name) => name.endsWith(".json"));
  const texts = await Promise.all(names.map((name) => readFile(join(bench.state.ledger, name), "utf8")));
  return texts.map((text) => /"state":"(\w+)"/.exec(text)?.[1] ?? text);
}

describe("a session", () => {
  it("is on record before its sandbox exists, and the sandbox leads back to it", async () => {
    let before: string[] = [];
    bench.provider.onStep = async (step) => {
      if (step === "create") before = await statesOnDisk();
    };

    const { run } = await bench.runLine("true");

    expect(before).toEqual(["creating"]);
    expect(await statesOnDisk()).toEqual(["ready"]);
    const installId = await readFile(join(bench.state.root, "install-id"), "utf8");
    const [spec] = bench.provider.createdSpecs;
    expect(spec).toMatchObject({
      labels: { "sandpiper.install": installId, "sandpiper.session": run.sessionId },
      lifetimeMs: 3_600_000,
      network: "none",
    });
    expect(spec?.name).toMatch(/^sandpiper-workspace-[a-z0-9-]+$/);
    expect(spec?.labels["sandpiper.workspace"]).toMatch(/^[a-f0-9]{16}$/);
  });

  it("is shared by runs on the same target, and only by those", async () => {
    await bench.runLine("true");
    await bench.runLine("true");
    expect(bench.provider.createdSpecs.length).toBe(1);

    await bench.runLine("true", { target: { ...DEFAULT_TARGET, memoryMiB: 512 } });
    expect(bench.provider.createdSpecs.length).toBe(2);
  });

  it("is started once when several runs ask for it at the same time", async () => {
    await Promise.all([bench.runLine("true"), bench.runLine("true"), bench.runLine("true")]);

    expect(bench.provider.createdSpecs.length).toBe(1);
  });

  it("is not the end of those who wait for it when the first is stopped", async () => {
    const entered = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    let creations = 0;
    bench.provider.onStep = async (step) => {
      if (step !== "create" || ++creations > 1) return;
      entered.resolve();
      await go.promise;
    };
    const first = await bench.engine.startRun(bench.toRequest({ kind: "line", line: "true" }));
    await entered.promise;
    const second = bench.runLine("echo second");

    const stopping = bench.engine.stopRun(first.id, false);
    go.resolve();
    await stopping;

    expect((await second).stdout).toBe("second\n");
    expect(bench.provider.sandboxes.size).toBe(1);
  });

  it("can be started on purpose, and later runs use it", async () => {
    await bench.runLine("true");
    const session = await bench.engine.startSession(bench.workspace, DEFAULT_TARGET);

    const { run } = await bench.runLine("true");

    expect(run.sessionId).toBe(session.id);
    expect(session.state).toBe("ready");
  });

  it("ends its sandbox and its runs when it is destroyed, once and again", async () => {
    const run = await bench.engine.startRun(bench.toRequest({ kind: "line", line: "sleep 60" }));
    const { sessionId = "" } = await bench.waitFor(run.id, ({ state }) => state === "running");

    await bench.engine.destroySession(sessionId);
    await bench.engine.destroySession(sessionId);

    const outcome = await bench.finish(run.id);
    expect(outcome.run).toMatchObject({ exit: { kind: "lost", reason: "The sandbox was destroyed." } });
    expect(outcome.run.notes?.join()).toMatch(/files that the run changed could not be brought back/);

    expect(bench.provider.sandboxes.size).toBe(0);
    expect((await bench.engine.listSessions())[0]).toMatchObject({ state: "ended", endReason: "It was destroyed." });
    await expect(bench.engine.destroySession("nope")).rejects.toMatchObject({ code: "not-found" });
  });

  it("stays on record when its sandbox cannot be destroyed, and the next engine tries again", async () => {
    const { run } = await bench.runLine("true");
    bench.provider.onStep = (step) => {
      if (step === "destroy") throw new SandboxError("unavailable", "The daemon does not answer.");
    };
    await expect(bench.engine.destroySession(run.sessionId ?? "")).rejects.toThrow("The daemon does not answer.");
    expect(await statesOnDisk()).toEqual(["destroying"]);

    bench.provider.onStep = () => undefined;
    await bench.restart();

    await expect.poll(() => bench.provider.sandboxes.size).toBe(0);
    await expect.poll(statesOnDisk).toEqual(["ended"]);
  });

  it("is not used for a run that would outlive it", async () => {
    const clock = new FakeClock(Date.now());
    await bench.restart({ clock });
    await bench.runLine("true");
    clock.advance(30 * 60_000);

    const fits = await bench.runLine("true", { timeoutMs: 20 * 60_000 });
    const outlives = await bench.runLine("true", { timeoutMs: 40 * 60_000 });

    expect(fits.run.notes).toBeUndefined();
    expect(outlives.run.notes?.join()).toMatch(/time is nearly up/);
    expect(bench.provider.createdSpecs.length).toBe(2);
    await expect.poll(() => bench.provider.sandboxes.size).toBe(1);
  });

  it("ends when its time is up", async () => {
    const clock = new FakeClock(Date.now());
    await bench.restart({ clock });
    await bench.runLine("true");

    clock.advance(61 * 60_000);

    expect((await bench.engine.listSessions())[0]).toMatchObject({ state: "ended", endReason: "Its time was up." });
  });
});

describe("an engine that is stopped", () => {
  it("ends its runs, says why, and leaves nothing half-saved", async () => {
    const { id } = await bench.engine.startRun(bench.toRequest({ kind: "line", line: "echo up; exec sleep 60" }));
    await bench.waitFor(id, ({ state }) => state === "running");

    await bench.engine.dispose();
    const run = await readFile(join(bench.state.runs, id, "record.json"), "utf8");

    expect(run).toContain('"state":"ended"');
    expect(run).toContain("Sandpiper's engine was stopped.");
    await expect(bench.engine.startRun(bench.toRequest({ kind: "line", line: "true" }))).rejects.toMatchObject({
      code: "unavailable",
    });
  });
});

describe("a new engine", () => {
  it("goes on with the session of the last one, and knows what its sandbox holds", async () => {
    await bench.write("a.txt", "sent");
    await bench.runLine("echo made > made.txt");
    const pushes = bench.provider.applied.length;
    await bench.restart();

    const { stdout, run } = await bench.runLine("cat a.txt made.txt");

    expect(stdout).toBe("sentmade\n");
    expect(run.changes).toMatchObject({ pending: 0 });
    expect(bench.provider.applied.length).toBe(pushes);
    expect(bench.provider.createdSpecs.length).toBe(1);
  });

  it("destroys sandboxes of ours that no session owns, and nobody else's", async () => {
    await bench.runLine("true");
    const spec = bench.provider.createdSpecs[0];
    if (!spec) throw new Error("No sandbox was made.");
    const call = { signal: AbortSignal.timeout(5000), logger: { debug() {}, info() {}, warn() {}, error() {} } };
    await bench.provider.create({ ...spec, labels: { ...spec.labels, "sandpiper.session": "forgotten-1" } }, call);
    const others = await bench.provider.create({ ...spec, labels: { "sandpiper.install": "somebody-else" } }, call);

    await bench.restart();

    await expect.poll(() => bench.provider.sandboxes.size).toBe(2);
    expect(bench.provider.sandboxes.has(others.id)).toBe(true);
  });

  it("shows a run that the last one left running as lost, with all of its output", async () => {
    const { id } = await bench.engine.startRun(
      bench.toRequest({ kind: "line", line: "echo before; echo made > made.txt; exec sleep 60" }),
    );
    await new Promise<void>((resolve) => {
      bench.engine.onDidChange((event) => (event.type === "output" ? resolve() : undefined));
    });
    const old = bench.engine;

    await bench.restart();
    const { run, stdout } = await bench.finish(id);
    const next = await bench.runLine("true");

    const reason = "Sandpiper's engine ended while the command was running.";
    expect(run).toMatchObject({ state: "ended", exit: { kind: "lost", reason } });
    expect(stdout).toBe("before\n");
    expect((await bench.engine.readChanges(next.run.id)).map(({ path }) => path)).toEqual(["made.txt"]);
    await old.dispose();
  });

  it("leaves everything as it is when another engine shares its state", async () => {
    const { id } = await bench.engine.startRun(bench.toRequest({ kind: "line", line: "sleep 60" }));
    await bench.waitFor(id, ({ state }) => state === "running");
    const old = bench.engine;

    await bench.restart({ isShared: true });

    expect((await bench.engine.listRuns())[0]?.state).toBe("running");
    await old.dispose();
  });

  it("forgets runs beyond the newest hundred", async () => {
    await bench.runLine("true");
    const ids = (await bench.engine.listRuns()).map(({ id }) => id);
    const record = await readFile(join(bench.state.runs, ids[0] ?? "", "record.json"), "utf8");
    for (let at = 0; at < 104; at++) {
      const id = `z${String(at).padStart(3, "0")}`;
      await mkdir(join(bench.state.runs, id));
      await writeFile(join(bench.state.runs, id, "record.json"), record.replace(ids[0] ?? "", id));
    }

    await bench.restart();

    expect((await bench.engine.listRuns()).length).toBe(100);
    expect((await readdir(bench.state.runs)).length).toBe(100);
  });
});
