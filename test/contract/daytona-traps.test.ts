import { Readable } from "node:stream";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Provider, SandboxSpec } from "../../src/core/provider.ts";
import type { Sandbox } from "../../src/core/sandbox.ts";
import { createDaytonaProvider } from "../../src/providers/daytona/daytona-provider.ts";
import { EMULATOR_KEY, startDaytonaEmulator } from "../emulators/daytona/daytona-emulator.ts";
import { DAYTONA_SPEC, toEmulatorDeps } from "./daytona-subject.ts";
import { newCall, runToEnd, startText, toArray, waitForText } from "./run-to-end.ts";

// Short commands of ours are told of within that; those of users have no such end.
const emulator = await startDaytonaEmulator({ executeCapMs: 2000 });
const deps = toEmulatorDeps({ apiUrl: emulator.url, apiKey: EMULATOR_KEY });
afterAll(() => emulator.close());
afterEach(async () => {
  emulator.faults.clear();
  // Daytona answers a deletion before it is done.
  await expect.poll(() => emulator.books.leaked(), { timeout: 10_000 }).toEqual([]);
});

const newProvider = (): Provider => createDaytonaProvider({}, deps);
const newSpec = (change: Partial<SandboxSpec> = {}): SandboxSpec => ({ ...DAYTONA_SPEC, ...change });

describe("a creation at Daytona that fails leaves nothing behind", () => {
  const method = "POST /api/sandbox";

  it("when its answer is lost", async () => {
    emulator.faults.inject({ kind: "lose-answer", method });

    await expect(newProvider().create(newSpec(), newCall())).rejects.toMatchObject({ code: "unavailable" });
  });

  it("when it does not start", async () => {
    emulator.faults.inject({ kind: "fail-start", method, reason: "no such device" });

    await expect(newProvider().create(newSpec(), newCall())).rejects.toMatchObject({
      name: "SandboxError",
      message: expect.stringContaining("no such device") as unknown,
    });
  });

  it("when its image can't be built, and says why", async () => {
    emulator.faults.inject({ kind: "fail-build", method, reason: "manifest unknown" });

    await expect(newProvider().create(newSpec({ image: "python:0.0" }), newCall())).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringMatching(/could not be built.*manifest unknown/) as unknown,
    });
  });

  it("when it can't be set up", async () => {
    emulator.faults.inject({ kind: "error", method: "POST /toolbox/process/execute", status: 500 });

    await expect(newProvider().create(newSpec(), newCall())).rejects.toMatchObject({ code: "unavailable" });
  });

  it("when it is aborted while it starts", async () => {
    const controller = new AbortController();
    const reason = new Error("changed my mind");
    emulator.faults.inject({ kind: "delay", method, ms: 700 });
    setTimeout(() => controller.abort(reason), 100);

    const call = { ...newCall(), signal: controller.signal };
    await expect(newProvider().create(newSpec(), call)).rejects.toBe(reason);
  });

  it("but takes over what an earlier attempt has made", async () => {
    const before = emulator.books.sandboxes.length;
    // It is asked for again, under the name that it has.
    emulator.faults.inject({ kind: "error", method: "GET /api/sandbox/:sandbox", status: 503 });

    const sandbox = await newProvider().create(newSpec(), newCall());

    expect((await runToEnd(sandbox, ["echo", "ran"])).stdout).toBe("ran\n");
    expect(emulator.books.sandboxes).toHaveLength(before + 1);
    await sandbox.destroy(newCall());
  });

  it("and waits as long as Daytona asks when there are too many calls for now", async () => {
    emulator.faults.inject({ kind: "error", method, status: 429, retryAfterSecs: 1 });
    const started = Date.now();

    const sandbox = await newProvider().create(newSpec(), newCall());

    expect(Date.now() - started).toBeGreaterThanOrEqual(1000);
    await sandbox.destroy(newCall());
  });
});

describe("what goes wrong with commands at Daytona", () => {
  const log = "WS /toolbox/process/session/:session/command/:command/logs";
  const count = ["sh", "-c", "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i + 1)); done"];
  const counted = Array.from({ length: 3000 }, (_, index) => `line ${index}\n`).join("");
  let sandbox: Sandbox;

  beforeEach(async () => {
    sandbox = await newProvider().create(newSpec(), newCall());
  });
  afterEach(async () => sandbox.destroy(newCall()));

  it("loses no byte when the log's connection is cut again and again", async () => {
    emulator.faults.inject({ kind: "cut-stream", method: log, afterBytes: 20_000, times: 2 });

    expect((await runToEnd(sandbox, count)).stdout).toBe(counted);
  });

  it("goes on after the log was refused for a moment", async () => {
    emulator.faults.inject({ kind: "error", method: log, status: 502, times: 2 });

    const { stdout, status } = await runToEnd(sandbox, ["echo", "ran"]);

    expect([stdout, status]).toEqual(["ran\n", { kind: "exited", code: 0 }]);
  });

  it("never starts a command twice", async () => {
    const method = "POST /toolbox/process/session/:session/exec";
    const before = emulator.books.calls[method] ?? 0;
    emulator.faults.inject({ kind: "lose-answer", method });

    const error = await sandbox.exec({ argv: ["true"] }, newCall()).catch((caught: unknown) => caught);

    expect(error).toMatchObject({ code: "unavailable" });
    expect((emulator.books.calls[method] ?? 0) - before).toBe(1);
  });

  it("takes scripts with here-documents, in the sessions that such hang", async () => {
    const { stdout } = await runToEnd(sandbox, ["sh", "-c", "cat <<EOF\none\ntwo\nEOF\necho end # no line behind"]);

    expect(stdout).toBe("one\ntwo\nend\n");
  });

  it("shows what has no newline behind it at once, a prompt for example", async () => {
    const running = await startText(sandbox, ["sh", "-c", "printf 'name? '; read name; echo hello $name"]);
    await waitForText(running, "name? ");

    await running.process.write(Buffer.from("you\n"));

    expect(await running.process.exit).toEqual({ kind: "exited", code: 0 });
    expect(running.text()).toBe("name? hello you\n");
  });

  it("lets a command run for longer than Daytona waits for one", async () => {
    const { stdout, status } = await runToEnd(sandbox, ["sh", "-c", "sleep 3; echo done"]);

    expect([stdout, status]).toEqual(["done\n", { kind: "exited", code: 0 }]);
  });

  it("outlives a gateway that closes connections on which nothing moves", async () => {
    emulator.faults.inject({ kind: "idle-timeout", method: log, ms: 400, times: 3 });

    const { stdout, status } = await runToEnd(sandbox, ["sh", "-c", "echo one; sleep 1.5; echo two"]);

    expect([stdout, status]).toEqual(["one\ntwo\n", { kind: "exited", code: 0 }]);
  });

  it("removes the session of every command", async () => {
    const made = "POST /toolbox/process/session";
    const gone = "DELETE /toolbox/process/session/:session";
    const before = { made: emulator.books.calls[made] ?? 0, gone: emulator.books.calls[gone] ?? 0 };

    await Promise.all([runToEnd(sandbox, ["true"]), runToEnd(sandbox, ["sh", "-c", "exit 3"])]);

    expect((emulator.books.calls[made] ?? 0) - before.made).toBe(2);
    await expect.poll(() => (emulator.books.calls[gone] ?? 0) - before.gone).toBe(2);
  });

  it("sends what is pushed as one file, and fetches what is pulled as one", async () => {
    const [up, down] = ["POST /toolbox/files/bulk-upload", "POST /toolbox/files/bulk-download"];
    const names = Array.from({ length: 300 }, (_, index) => `file-${index}`);
    await runToEnd(sandbox, ["sh", "-c", 'for name; do head -c 1000 /dev/urandom >"$name"; done', "sh", ...names]);
    const before = emulator.books.calls;

    const tar = Buffer.concat(await toArray(sandbox.collect(names, newCall())));
    await sandbox.apply({ deletes: names, tar: Readable.from([tar]) }, newCall());

    const after = emulator.books.calls;
    expect((after[down] ?? 0) - (before[down] ?? 0)).toBe(1);
    // A script for either command, the names, and the archive.
    expect((after[up] ?? 0) - (before[up] ?? 0)).toBe(4);
  });
});

describe("what fills the disk of a sandbox at Daytona", () => {
  it.each<[string, Partial<SandboxSpec>]>([
    ["from a registry's image", { image: "python:3.13-slim" }],
    ["from the default snapshot", {}],
  ])("is ended, and told why, %s; the sandbox stays usable", async (_what, change) => {
    const sandbox = await newProvider().create(newSpec({ ...change, diskMiB: 64 }), newCall());
    const fill = "for i in 1 2 3 4; do head -c 30000000 /dev/zero >part-$i; done; sleep 60";

    const { status } = await runToEnd(sandbox, ["sh", "-c", fill]);

    expect(status).toEqual({
      kind: "lost",
      reason: expect.stringMatching(/stores \d+ MiB.*limit of 64 MiB/) as unknown,
    });
    expect((await runToEnd(sandbox, ["sh", "-c", "rm -f part-*; echo alive"])).stdout).toBe("alive\n");
    await sandbox.destroy(newCall());
  });
});
