import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { createModalProvider } from "../../src/providers/modal/modal-provider.ts";
import { DEFAULT_TARGET } from "../../src/sessions/default-target.ts";
import type { SessionRecord, Target } from "../../src/sessions/records.ts";
import { startModalEmulator } from "../emulators/modal/modal-emulator.ts";
import { EngineBench } from "../fakes/engine-bench.ts";
import { toEmulatorDeps } from "./modal-subject.ts";

const emulator = await startModalEmulator();
afterAll(() => emulator.close());

const TARGET: Target = { ...DEFAULT_TARGET, providerId: "modal" };

let bench: EngineBench;

beforeEach(async () => {
  const deps = toEmulatorDeps(emulator.url);
  bench = await EngineBench.create({ loadProvider: async ({ options }) => createModalProvider(options, deps) });
});

afterEach(async () => {
  for (const { id, state } of await bench.engine.listSessions())
    if (state !== "ended") await bench.engine.destroySession(id);
  await bench.dispose();
  expect(emulator.books.leaked()).toEqual([]);
});

describe("a session on Modal", () => {
  it("is paused and goes on with all its files, and is sent what has changed since", async () => {
    const target = { ...TARGET, options: { memorySnapshot: "true" } };
    await bench.write("a.txt", "a");
    await bench.write(".gitignore", "cache\n");
    const { run: first } = await bench.runLine("echo made > made.txt; echo kept > cache; echo home > ~/x", { target });

    const paused = await bench.engine.pauseSession(first.sessionId ?? "");
    expect(paused.state).toBe("paused");
    expect(emulator.books.leaked()).toEqual([]);
    await bench.write("b.txt", "b");
    const { run, stdout, stderr } = await bench.runLine("cat a.txt b.txt made.txt cache ~/x", { target });

    expect([stdout, stderr]).toEqual(["abmade\nkept\nhome\n", ""]);
    expect(run).toMatchObject({ sessionId: first.sessionId, sent: { fileCount: 1, totalBytes: 1 } });
    expect(run.changes?.added).toBe(0);
  });

  it("leaves an image that others start from, with what was installed, and with their own workspace alone", async () => {
    await bench.write("a.txt", "a");
    const { run: first } = await bench.runLine("echo tool > ~/tool; echo made > made.txt", { target: TARGET });
    const image = await bench.engine.saveImage(first.sessionId ?? "");

    const { run, stdout } = await bench.runLine("cat ~/tool; find . -type f", {
      target: { ...TARGET, image: image.id },
    });

    expect(run.sessionId).not.toBe(first.sessionId);
    expect(stdout).toBe("tool\n./a.txt\n");
  });

  it("that ended by itself leaves an image, where it was asked for", async () => {
    const target = { ...TARGET, options: { exitSnapshot: "true" } };
    const { run } = await bench.runLine("true", { target });
    const findSession = async (): Promise<SessionRecord | undefined> =>
      (await bench.engine.listSessions()).find(({ id }) => id === run.sessionId);

    await emulator.expire((await findSession())?.sandboxId ?? "");
    await bench.runLine("true", { target });

    await expect.poll(async () => (await findSession())?.exitImage, { timeout: 20_000 }).toMatch(/^im-/);
  });

  it("has an address for a port that it was started with", async () => {
    const target = { ...TARGET, ports: [8080] };
    const { run } = await bench.runLine("true", { target });

    expect((await bench.engine.openPort(run.sessionId ?? "", 8080)).url).toMatch(/^https?:\/\//);
  });
});
