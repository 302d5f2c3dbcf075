import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../../../src/core/logger.ts";
import { SandboxError } from "../../../src/core/sandbox-error.ts";
import { DEFAULT_TARGET } from "../../../src/sessions/default-target.ts";
import type { EngineEvent } from "../../../src/sessions/engine.ts";
import type { RunRequest } from "../../../src/sessions/records.ts";
import { EngineClient } from "../../../src/host/engine-client.ts";
import { createEngineServer, type EngineServer } from "../../../src/host/engine-server.ts";
import { FakeClock } from "../../fakes/fake-clock.ts";
import { ScriptedEngine } from "../../fakes/scripted-engine.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sandpiper-host-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function readLine(socket: Socket): Promise<string> {
  return new Promise((resolve) => socket.once("data", (data) => resolve(String(data))));
}

describe("the engine's server", () => {
  let engine: ScriptedEngine;
  let server: EngineServer;
  let clock: FakeClock;
  let finished: number;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    engine = new ScriptedEngine();
    clock = new FakeClock();
    finished = 0;
    const made = await createEngineServer({
      socketPath: join(folder, "s.sock"),
      version: "1.0.0",
      logger: silentLogger,
      clock,
      idleExitMs: 1000,
      onDidFinish: () => void (finished += 1),
    });
    if (!made) throw new Error("Another engine listens.");
    server = made;
    server.serve(Promise.resolve(engine));
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await server.dispose();
  });

  async function open(): Promise<Socket> {
    const socket = connect(join(folder, "s.sock"));
    sockets.push(socket);
    await new Promise((resolve) => socket.once("connect", resolve));
    return socket;
  }

  async function createClient(): Promise<EngineClient> {
    const client = new EngineClient(await open(), silentLogger);
    expect(await client.greet({ version: "1.0.0", role: "test" })).toMatchObject({ version: "1.0.0", role: "engine" });
    return client;
  }

  const request: RunRequest = {
    workspaceRoot: "/w",
    target: DEFAULT_TARGET,
    command: { kind: "line", line: "true" },
    overlays: [],
    languages: {},
    env: {},
    timeoutMs: 0,
    origin: "test",
    stopOnDisconnect: true,
    pull: true,
    maxFileMiB: 1,
    maxUploadMiB: 1,
    allowedSecrets: [],
  };

  it("carries calls, results, errors with their code, and bytes", async () => {
    const client = await createClient();
    engine.result = async () => [{ id: "r-1" }];
    expect(await client.listRuns()).toEqual([{ id: "r-1" }]);
    engine.result = () => Promise.reject(new SandboxError("quota", "No more of them."));
    await expect(client.checkTarget(DEFAULT_TARGET)).rejects.toMatchObject({
      name: "SandboxError",
      code: "quota",
      message: "No more of them.",
    });
    engine.result = async () => undefined;

    await client.writeInput("r-1", Uint8Array.from([0, 255, 10]));

    const [, id, data] = engine.calls.at(-1) ?? [];
    expect([id, data]).toEqual(["r-1", Buffer.from([0, 255, 10])]);
  });

  it("tells every client of what changes", async () => {
    const [one, two] = [await createClient(), await createClient()];
    const heard: EngineEvent[] = [];
    const both = Promise.all(
      [one, two].map(
        (client) => new Promise<void>((resolve) => client.onDidChange((event) => (heard.push(event), resolve()))),
      ),
    );

    engine.changed.fire({ type: "output", runId: "r-1", sizeBytes: 7 });
    await both;

    expect(heard).toEqual([
      { type: "output", runId: "r-1", sizeBytes: 7 },
      { type: "output", runId: "r-1", sizeBytes: 7 },
    ]);
  });

  it("survives whatever a client sends, and says what was wrong", async () => {
    const silent = await open();
    silent.write('{"type":"request","id":1,"method":"listRuns","params":[]}\n');
    expect(await readLine(silent)).toMatch(/complaint.*has to be a hello of protocol 1/);

    const socket = await open();
    socket.write('{"type":"hello","protocol":1,"version":"1","role":"x","pid":1}\n');
    await readLine(socket);
    for (const [sent, expected] of [
      ["garbage", /not JSON/],
      ["[1,2]", /was no request/],
      ['{"type":"request","id":4,"method":"rm","params":[]}', /"id":4,"error":\{"code":"invalid"/],
      ['{"type":"request","id":5,"method":"startRun","params":[{}]}', /"id":5,"error":\{"code":"invalid"/],
      ['{"type":"request","id":6,"method":"stopRun","params":[7,true]}', /"id":6,"error":\{"code":"invalid"/],
    ] as const) {
      socket.write(`${sent}\n`);
      expect(await readLine(socket)).toMatch(expected);
    }
    expect(await (await createClient()).listRuns()).toBeNull();
    expect(engine.calls).toEqual([["listRuns"]]);
  });

  it("stops the runs of a client that goes, when it asked for that, and no others", async () => {
    const client = await createClient();
    engine.result = async () => ({ id: "own" });
    await client.startRun(request);
    engine.result = async () => ({ id: "stays" });
    await client.startRun({ ...request, stopOnDisconnect: false });

    await client.dispose();

    await expect
      .poll(() => engine.calls.filter(([method]) => method === "stopAbandonedRun"))
      .toEqual([["stopAbandonedRun", "own"]]);
  });

  it("tells whoever waits that the connection is lost", async () => {
    const client = await createClient();
    engine.result = () => new Promise(() => undefined);
    const waiting = client.listRuns();
    await expect.poll(() => engine.calls.length).toBe(1);

    sockets.at(-1)?.destroy();

    await expect(waiting).rejects.toMatchObject({ code: "unavailable" });
    await client.closed;
    await expect(client.listRuns()).rejects.toMatchObject({ code: "unavailable" });
  });

  it("ends when nobody is there and nothing goes on, and not before", async () => {
    const client = await createClient();
    clock.advance(5000);
    expect(finished).toBe(0);
    await client.dispose();
    engine.isBusy = true;
    await settle();
    clock.advance(5000);
    expect(finished).toBe(0);

    engine.isBusy = false;
    const again = await createClient();
    await again.dispose();
    await settle();
    clock.advance(999);
    expect(finished).toBe(0);
    clock.advance(1);

    expect(finished).toBe(1);
  });

  it("makes way for another version when it is idle, and not for anybody while it works", async () => {
    const client = await createClient();
    engine.isBusy = true;
    expect(await client.retire()).toBe(false);
    engine.isBusy = false;
    const other = await createClient();
    expect(await client.retire()).toBe(false);
    await other.dispose();
    await settle();

    expect(await client.retire()).toBe(true);
    expect(finished).toBe(1);
  });

  // The server learns of a close a moment after the client.
  async function settle(): Promise<void> {
    await (await createClient()).dispose();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});
