import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CellOutput } from "../../../../src/core/interpreter.ts";
import type { Sandbox } from "../../../../src/core/sandbox.ts";
import { createDriverInterpreter } from "../../../../src/providers/posix/interpreter/driver-interpreter.ts";
import type { EngineEvent } from "../../../../src/sessions/engine.ts";
import { toResultsFile } from "../../../../src/sessions/cells/results-file.ts";
import type { RunRequest } from "../../../../src/sessions/records.ts";
import { toRunFolder, toSessionFolder } from "../../../../src/sessions/state-folder.ts";
import { EngineBench, type Outcome } from "../../../fakes/engine-bench.ts";
import { FakeProvider } from "../../../fakes/fake-provider.ts";

/** With Python to run cells, unless a test takes it away. */
class CellProvider extends FakeProvider {
  hasInterpreter = true;

  protected override extend(sandbox: Sandbox): Sandbox {
    if (!this.hasInterpreter) return sandbox;
    const interpreter = createDriverInterpreter((command, call) => sandbox.exec(command, call), sandbox.workspace);
    return Object.assign(sandbox, { interpreter });
  }
}

let bench: EngineBench;

beforeEach(async () => {
  bench = await EngineBench.create({}, (root) => new CellProvider(root));
});
afterEach(() => bench.dispose());

const toCell = (code: string, changes: Partial<RunRequest> = {}, path = "analysis.py"): RunRequest =>
  bench.toRequest({ kind: "cell", path, language: "python", code }, changes);
const run = (code: string, changes: Partial<RunRequest> = {}, path?: string): Promise<Outcome> =>
  bench.run(toCell(code, changes, path));
const start = (code: string): Promise<{ readonly id: string }> => bench.engine.startRun(toCell(code));

describe("a cell", () => {
  it("is a run: it sends the workspace with unsaved text, keeps its output and brings changes back", async () => {
    await bench.write("data.txt", "on disk");
    const code = "print(open('data.txt').read())\nwritten = open('out.txt', 'w').write('made')";

    const { run: record, stdout } = await run(code, { overlays: [{ path: "data.txt", text: "on screen" }] });

    expect(stdout).toBe("on screen\n");
    expect(record).toMatchObject({ title: "analysis.py", exit: { kind: "exited", code: 0 }, cellCount: 1 });
    expect(record.changes).toMatchObject({ added: 1, pending: 1 });
    expect(record.error).toBeUndefined();
  });

  it("goes on from the earlier ones of its file, and from those of no other file", async () => {
    await run("x = 41");

    expect((await run("print(x + 1)")).stdout).toBe("42\n");
    expect((await run("print('x' in globals())", {}, "other.py")).stdout).toBe("False\n");
  });

  it("has what it shows on disk, a line each, and tells how far", async () => {
    const events: EngineEvent[] = [];
    bench.engine.onDidChange((event) => void events.push(event));

    const { run: record } = await run("display('shown')\n6 * 7");

    const text = await readFile(toResultsFile(toRunFolder(bench.state, record.id)), "utf8");
    const outputs = text
      .trimEnd()
      .split("\n")
      .map((line): CellOutput => JSON.parse(line));
    expect(outputs).toEqual([
      { kind: "count", count: 1 },
      { kind: "result", data: { "text/plain": "'shown'" }, isMain: false },
      { kind: "result", data: { "text/plain": "42" }, isMain: true },
    ]);
    const told = events.findLast((event) => event.type === "results");
    expect(told).toEqual({ type: "results", runId: record.id, sizeBytes: Buffer.byteLength(text) });
    const ended = events.findIndex((event) => event.type === "run" && event.run.state === "ended");
    expect(events.findIndex((event) => event === told)).toBeLessThan(ended);
  });

  it("fails as a command does when its code raises", async () => {
    const { run: record, stderr } = await run("\n\n1 / 0");

    expect(record.exit).toEqual({ kind: "exited", code: 1 });
    expect(stderr).toContain('File "analysis.py", line 3');
  });

  it("gets the run's environment, in the run's folder", async () => {
    await bench.write("sub/a.txt", "");

    const { stdout } = await run("import os\nprint(os.environ['NAME'], os.listdir())", {
      env: { NAME: "yes" },
      cwd: "sub",
    });

    expect(stdout).toBe("yes ['a.txt']\n");
  });

  it("waits for the one before it, and then sees what that changed", async () => {
    await bench.write("data.txt", "0");
    const first = await start("import time\ntime.sleep(0.5)\nwritten = open('data.txt', 'w').write('1')\nstep = 1");
    const second = await start("print(step, open('data.txt').read())");

    const waiting = await bench.waitFor(second.id, ({ progress }) => progress === "Waiting for the cell before it");

    expect(waiting.state).toBe("preparing");
    expect((await bench.finish(second.id)).stdout).toBe("1 1\n");
    expect((await bench.finish(first.id)).run.changes).toMatchObject({ modified: 1 });
  });

  it("tells of what a thread of an earlier one changed after that had ended", async () => {
    await bench.write("data.txt", "0");
    await bench.write("state.txt", "before");
    const thread =
      "import threading, time\ndef late():\n    time.sleep(0.5)\n    open('state.txt', 'w').write('after')";
    const { run: first } = await run(`${thread}\nt = threading.Thread(target=late)\nt.start()`);
    await bench.write("data.txt", "1");
    const file = join(await bench.sandboxOf(first.sessionId), "state.txt");
    await expect.poll(() => readFile(file, "utf8")).toBe("after");

    const { run: second, stdout } = await run("print(open('data.txt').read(), open('state.txt').read())");

    expect(stdout).toBe("1 after\n");
    expect(first.changes).toMatchObject({ modified: 0 });
    expect(second.changes).toMatchObject({ modified: 1, pending: 1 });
  });

  it("can be stopped while it waits, and the next one goes on", async () => {
    const first = await start("import time\ntime.sleep(1)");
    const second = await start("second = True");
    const third = await start("print('second' in globals())");
    await bench.waitFor(second.id, ({ progress }) => progress === "Waiting for the cell before it");

    await bench.engine.stopRun(second.id, false);

    expect((await bench.finish(second.id)).run).toMatchObject({ state: "ended", stopReason: "user" });
    expect((await bench.finish(first.id)).run.exit).toEqual({ kind: "exited", code: 0 });
    expect((await bench.finish(third.id)).stdout).toBe("False\n");
  });

  it("is interrupted when it is stopped, and what was computed before stays", async () => {
    await run("kept = 'kept'");
    const { id } = await start("import time\nprint('begun')\ntime.sleep(60)");
    await bench.waitFor(id, ({ cellCount }) => cellCount === 2);

    await bench.engine.stopRun(id, false);

    const { run: stopped } = await bench.finish(id);
    expect(stopped).toMatchObject({ exit: { kind: "exited", code: 1 }, stopReason: "user" });
    const { run: next, stdout } = await run("print(kept)");
    expect(stdout).toBe("kept\n");
    expect(next.notes).toBeUndefined();
  });

  it("is interrupted when its time is up", async () => {
    const { run: record } = await run("import time\ntime.sleep(60)", { timeoutMs: 1000 });

    expect(record).toMatchObject({ exit: { kind: "exited", code: 1 }, stopReason: "timeout" });
  });

  it("says once that what was computed before is lost, when the process was", async () => {
    await run("x = 1");
    const { run: lost } = await run("import os\nwritten = open('left.txt', 'w').write('left')\nos._exit(7)");
    const { run: next, stdout } = await run("print('x' in globals())");
    const { run: later } = await run("x = 2");

    expect(lost.exit).toEqual({ kind: "lost", reason: "Python ended with code 7, and its state is lost." });
    expect(lost.changes).toMatchObject({ added: 1 });
    expect(stdout).toBe("False\n");
    expect(next.notes).toEqual([
      "What earlier cells of this file had computed was lost: this cell began with nothing.",
    ]);
    expect(later.notes).toBeUndefined();
  });

  it("says that what was computed before is lost when another engine goes on with the sandbox", async () => {
    const { run: first } = await run("x = 1");
    await bench.restart();

    const { run: next, stdout } = await run("print('x' in globals())");

    expect(next.sessionId).toBe(first.sessionId);
    expect(stdout).toBe("False\n");
    expect(next.notes?.join()).toMatch(/had computed was lost/);
  });

  it.each([
    ["of a language that its interpreter does not run", { language: "julia" }, true, /cells of python, not of julia/],
    ["in a sandbox that keeps no state", {}, false, /keeps no state of code/],
  ])("fails with what to do %s", async (_, changes, hasInterpreter, message) => {
    if (bench.provider instanceof CellProvider) bench.provider.hasInterpreter = hasInterpreter;
    const command = { kind: "cell", path: "a.py", language: "python", code: "1", ...changes } as const;

    const { run: record } = await bench.run(bench.toRequest(command));

    expect(record.error).toMatchObject({ code: "unsupported" });
    expect(record.error?.message).toMatch(message);
  });

  it("is refused before anything is made when it cannot be one", async () => {
    const many = bench.engine.startBatch(toCell("1"), { count: 2 });

    await expect(many).rejects.toMatchObject({ code: "invalid" });
    await expect(start("a\0b")).rejects.toMatchObject({ code: "invalid" });
    await expect(bench.engine.startRun(toCell("1", {}, "../a.py"))).rejects.toMatchObject({ code: "invalid" });
    await expect(bench.engine.startRun(toCell("1", { snapshotId: "s" }))).rejects.toMatchObject({ code: "invalid" });
    expect(bench.provider.createdSpecs).toEqual([]);
  });
});

describe("the contexts of a session", () => {
  it("are listed with their files and counts, and can be restarted", async () => {
    const { run: first } = await run("x = 1");
    await run("x = 2");
    await run("y = 1", {}, "other.py");
    const sessionId = first.sessionId ?? "";

    const contexts = await bench.engine.listContexts(sessionId);
    await bench.engine.restartContext(sessionId, contexts[0]?.id ?? "");

    expect(contexts.map(({ path, language, count }) => [path, language, count])).toEqual([
      ["analysis.py", "python", 2],
      ["other.py", "python", 1],
    ]);
    const after = await bench.engine.listContexts(sessionId);
    expect(after.map(({ id, count }) => [id, count])).toEqual(contexts.map(({ id }, at) => [id, at === 0 ? 0 : 1]));
    const { run: next, stdout } = await run("print('x' in globals())");
    expect(stdout).toBe("False\n");
    // Whoever restarted it knows.
    expect(next.notes).toBeUndefined();
  });

  it("are none before a cell has run, and none when the session has ended", async () => {
    const { run: line } = await bench.runLine("true");
    const sessionId = line.sessionId ?? "";
    expect(await bench.engine.listContexts(sessionId)).toEqual([]);
    await run("1");
    expect(await bench.engine.listContexts(sessionId)).toHaveLength(1);

    await bench.engine.destroySession(sessionId);

    expect(await bench.engine.listContexts(sessionId)).toEqual([]);
    await expect(bench.engine.listContexts("none")).rejects.toMatchObject({ code: "not-found" });
  });

  it("end a cell that runs in one when it is restarted, and nobody calls that a loss", async () => {
    const { id } = await start("import time\ntime.sleep(60)");
    const { sessionId = "" } = await bench.waitFor(id, ({ cellCount }) => cellCount === 1);
    const [context] = await bench.engine.listContexts(sessionId);

    await bench.engine.restartContext(sessionId, context?.id ?? "");

    expect((await bench.finish(id)).run.exit).toMatchObject({ kind: "lost", reason: "The context was restarted." });
    expect((await run("1")).run.notes).toBeUndefined();
    await expect(bench.engine.restartContext(sessionId, "none")).rejects.toMatchObject({ code: "not-found" });
  });

  it("are on disk beside the session's lists", async () => {
    const { run: record } = await run("1");

    await expect
      .poll(async () =>
        JSON.parse(await readFile(join(toSessionFolder(bench.state, record.sessionId ?? ""), "contexts.json"), "utf8")),
      )
      .toMatchObject({ version: 1, contexts: [{ path: "analysis.py", language: "python", count: 1 }], lost: [] });
  });
});
