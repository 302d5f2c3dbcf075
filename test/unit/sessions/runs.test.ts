import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SandboxError } from "../../../src/core/sandbox-error.ts";
import { EngineBench } from "../../fakes/engine-bench.ts";

let bench: EngineBench;

beforeEach(async () => {
  bench = await EngineBench.create();
});

afterEach(async () => {
  await bench.dispose();
});

function readLocal(path: string): Promise<string> {
  return readFile(join(bench.workspace, path), "utf8");
}

describe("a run", () => {
  it("runs a file of the workspace and keeps its output and its exit code", async () => {
    await bench.write("hello.sh", "echo out $1; echo err >&2; exit 3\n");

    const { run, stdout, stderr } = await bench.run(bench.toRequest({ kind: "file", path: "hello.sh", args: ["a b"] }));

    expect(run).toMatchObject({ state: "ended", exit: { kind: "exited", code: 3 }, title: "hello.sh" });
    expect([stdout, stderr]).toEqual(["out a b\n", "err\n"]);
    expect(run.error).toBeUndefined();
    expect(run.progress).toBeUndefined();
  });

  it("tells when the command ended apart from when its files were back", async () => {
    bench.provider.onStep = async (step) => {
      if (step === "list") await new Promise((resolve) => setTimeout(resolve, 50));
    };

    const { run } = await bench.runLine("true");

    expect(Date.parse(run.exitedAt ?? "")).toBeLessThanOrEqual(Date.parse(run.endedAt ?? "") - 40);
  });

  it("sees text on screen in place of what is on disk, also where the disk has nothing", async () => {
    await bench.write("a.sh", "echo disk");
    const overlays = [
      { path: "a.sh", text: "echo screen; cat b.txt" },
      { path: "b.txt", text: "unsaved" },
    ];

    const { stdout } = await bench.run(bench.toRequest({ kind: "file", path: "a.sh", args: [] }, { overlays }));

    expect(stdout).toBe("screen\nunsaved");
    expect(await readLocal("a.sh")).toBe("echo disk");
  });

  it("takes input, also when it comes before the command has started, and its end", async () => {
    const { id } = await bench.engine.startRun(bench.toRequest({ kind: "line", line: "cat; echo end" }));

    await Promise.all([
      bench.engine.writeInput(id, Buffer.from("one ")),
      bench.engine.writeInput(id, Buffer.from("two ")),
      bench.engine.closeInput(id),
    ]);

    expect((await bench.finish(id)).stdout).toBe("one two end\n");
  });

  it("runs code that is not a file, and leaves no trace of it", async () => {
    const request = bench.toRequest({
      kind: "code",
      path: "selection.sh",
      text: "echo selected > out.txt; ls",
      args: [],
    });

    const { run, stdout } = await bench.run(request);
    const next = await bench.runLine("ls");

    expect(stdout).toBe("out.txt\nselection.sh\n");
    expect(run.changes).toMatchObject({ added: 1, pending: 1 });
    expect(next.stdout).toBe("out.txt\n");
    expect(next.run.changes).toMatchObject({ added: 0, deleted: 0 });
  });

  it("runs in a folder of the workspace when it is asked to", async () => {
    await bench.write("sub/a.sh", "basename $PWD");

    const line = await bench.runLine("basename $PWD", { cwd: "sub" });
    const file = await bench.run(bench.toRequest({ kind: "file", path: "sub/a.sh", args: [] }, { cwd: "sub" }));

    expect([line.stdout, file.stdout]).toEqual(["sub\n", "sub\n"]);
  });

  it.each([
    ["a file that is missing", "nope.py", /nope\.py cannot be run: .*not exist/],
    ["a file that an ignore rule leaves out", "ignored.py", /ignored\.py cannot be run: .*\.gitignore/],
    ["a folder", "folder", /folder is a folder/],
    ["a path that leaves the workspace", "../x.py", /refused/],
    ["a file that nobody knows how to run", "data.xyz", undefined],
  ])("rejects %s before anything is made", async (_, path, message) => {
    await bench.write(".gitignore", "ignored.py\n");
    await bench.write("ignored.py", "");
    await bench.write("folder/x", "");
    await bench.write("data.xyz", "");
    const request = bench.toRequest({ kind: "file", path, args: [] });

    if (message) await expect(bench.engine.startRun(request)).rejects.toThrow(message);
    else expect((await bench.run(request)).run.error?.message).toMatch(/does not know how to run/);

    expect(bench.provider.createdSpecs).toEqual([]);
  });

  it("tells which program is missing when the command is not found", async () => {
    await bench.write("a.lang", "");
    const { run } = await bench.run(
      bench.toRequest({ kind: "file", path: "a.lang", args: [] }, { languages: { ".lang": ["no-such-interpreter"] } }),
    );

    expect(run.exit).toEqual({ kind: "exited", code: 127 });
    expect(run.notes?.join()).toMatch(/no-such-interpreter.*Install no-such-interpreter/);
  });

  it("says which files were not sent", async () => {
    await bench.write(".gitignore", "big/\n");
    await bench.write("big/x", "");
    await bench.write(".env", "SECRET=1");

    const { run } = await bench.runLine("ls -A");

    expect(run.skippedCount).toBe(2);
    expect(run.skipped?.map(({ path }) => path).sort()).toEqual([".env", "big"]);
  });

  it("never writes environment values into its record or the log of the engine", async () => {
    const said: string[] = [];
    const logger = { debug: say, info: say, warn: say, error: say };
    function say(message: string): void {
      said.push(message);
    }
    await bench.restart({ logger });

    const { run, stdout } = await bench.runLine("echo $KEY", { env: { KEY: "hunter2" } });

    expect(stdout).toBe("hunter2\n");
    expect(JSON.stringify(run)).not.toContain("hunter2");
    expect(said.join()).not.toContain("hunter2");
  });

  it("stops when its time is up", async () => {
    const { run } = await bench.runLine("echo started; sleep 60", { timeoutMs: 300 });

    expect(run).toMatchObject({ stopReason: "timeout", exit: { kind: "signaled", signal: "SIGINT" } });
  });

  it("is killed when it ignores INT and TERM", async () => {
    const { id } = await bench.engine.startRun(
      bench.toRequest({ kind: "line", line: "trap '' INT TERM; echo up; while :; do sleep 0.1; done" }),
    );
    await bench.waitFor(id, ({ state }) => state === "running");

    await bench.engine.stopRun(id, true);

    const { run } = await bench.finish(id);
    expect(run).toMatchObject({ stopReason: "user", exit: { kind: "signaled", signal: "SIGKILL" }, state: "ended" });
  });

  it("keeps its session usable for many runs at once, each with its own output", async () => {
    await bench.runLine("true");

    const outcomes = await Promise.all(Array.from({ length: 8 }, (_, at) => bench.runLine(`sleep 0.1; echo ${at}`)));

    expect(outcomes.map(({ stdout }) => stdout.trim())).toEqual(["0", "1", "2", "3", "4", "5", "6", "7"]);
    expect(new Set(outcomes.map(({ run }) => run.sessionId)).size).toBe(1);
    expect(bench.provider.sandboxes.size).toBe(1);
  });

  it("goes on and says so when its output is more than its log may hold", async () => {
    await bench.restart({ logCapBytes: 1000 });

    const { run, stdout } = await bench.runLine("head -c 100000 /dev/zero; exit 4");

    expect(run.exit).toEqual({ kind: "exited", code: 4 });
    expect(stdout.length).toBe(1000);
    expect(run.notes?.join()).toMatch(/Output after 1000 bytes was not kept/);
  });
});

describe("a run that cannot be", () => {
  it("ends with the reason when the sandbox cannot be made, and leaves none", async () => {
    bench.provider.onStep = (step) => {
      if (step === "create") throw new SandboxError("unavailable", "Docker is not running. Start it.");
    };

    const { run } = await bench.runLine("true");

    expect(run).toMatchObject({
      state: "ended",
      error: { code: "unavailable", message: "Docker is not running. Start it." },
    });
    expect(run.exit).toBeUndefined();
    expect(bench.provider.sandboxes.size).toBe(0);
    expect((await bench.engine.listSessions())[0]).toMatchObject({ state: "ended" });
  });

  it("destroys a sandbox whose creation was answered with an error", async () => {
    bench.provider.onStep = (step) => {
      if (step === "create-answer") throw new SandboxError("unavailable", "The answer was lost.");
    };

    await bench.runLine("true");
    await expect.poll(() => bench.provider.sandboxes.size).toBe(0);
  });

  it.each(["create", "apply", "exec"] as const)(
    "can be stopped while it waits for %s, and leaves its session in order",
    async (step) => {
      await bench.write("a.txt", "to be sent");
      const entered = Promise.withResolvers<void>();
      const go = Promise.withResolvers<void>();
      bench.provider.onStep = async (current) => {
        if (current !== step) return;
        entered.resolve();
        await go.promise;
      };
      const { id } = await bench.engine.startRun(bench.toRequest({ kind: "line", line: "echo hi > made; sleep 60" }));
      await entered.promise;

      const stopping = bench.engine.stopRun(id, false);
      go.resolve();
      await stopping;
      bench.provider.onStep = () => undefined;

      const { run } = await bench.finish(id);
      expect(run).toMatchObject({ state: "ended", stopReason: "user" });
      expect(run.error).toBeUndefined();
      expect(bench.provider.sandboxes.size).toBe(step === "create" ? 0 : 1);
      expect((await bench.runLine("echo next")).stdout).toBe("next\n");
      expect(bench.provider.sandboxes.size).toBe(1);
    },
  );

  it("keeps its exit code and says what failed when files cannot be brought back, and the next run brings them", async () => {
    bench.provider.onStep = (step) => {
      if (step === "collect") throw new SandboxError("unavailable", "The line was cut.");
    };

    const { run } = await bench.runLine("echo made > made.txt; exit 2");
    bench.provider.onStep = () => undefined;
    const next = await bench.runLine("true");

    expect(run).toMatchObject({
      exit: { kind: "exited", code: 2 },
      error: { code: "unavailable", message: "Files could not be brought back: The line was cut." },
    });
    expect(run.changes).toMatchObject({ pending: 0 });
    expect((await bench.engine.readChanges(next.run.id)).map(({ path }) => path)).toEqual(["made.txt"]);
  });

  it("starts a new sandbox and says so when the session's own has gone", async () => {
    await bench.runLine("true");
    const [lost = ""] = bench.provider.sandboxes.keys();
    await bench.provider.lose(lost);

    const { run, stdout } = await bench.runLine("echo again");

    expect(stdout).toBe("again\n");
    expect(run.notes?.join()).toMatch(/was gone, so a new one was started/);
    expect((await bench.engine.listSessions()).map(({ state }) => state)).toEqual(["ready", "ended"]);
  });
});
