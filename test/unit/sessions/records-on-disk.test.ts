import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Logger } from "../../../src/core/logger.ts";
import { DEFAULT_TARGET } from "../../../src/sessions/default-target.ts";
import { writeJsonFile } from "../../../src/sessions/json-file.ts";
import { createLedger } from "../../../src/sessions/ledger.ts";
import type { SessionRecord } from "../../../src/sessions/records.ts";
import {
  prepareStateFolder,
  type StateFolder,
  toRunFolder,
  toStateFolder,
} from "../../../src/sessions/state-folder.ts";

let root: string;
let state: StateFolder;
let logged: string[];
let logger: Logger;

const RUNNING = { id: "sb-1", running: true };

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "sandpiper-state-"));
  state = toStateFolder({ SANDPIPER_STATE: join(root, "state") });
  logged = [];
  const log = (message: string): void => void logged.push(message);
  logger = { debug: log, info: log, warn: log, error: log };
  await prepareStateFolder(state);
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

function toSession(id: string): SessionRecord {
  const time = "2026-01-01T00:00:00.000Z";
  return {
    version: 1,
    id,
    name: "w",
    workspaceRoot: "/w",
    target: DEFAULT_TARGET,
    boundary: "namespaces",
    state: "ready",
    createdAt: time,
    expiresAt: time,
    lastUsedAt: time,
  };
}

describe("the state folder", () => {
  it("can be read by nobody else, even when it was made too open", async () => {
    const open = toStateFolder({ SANDPIPER_STATE: join(root, "open") });
    await mkdir(open.root, { mode: 0o755 });

    await prepareStateFolder(open);

    expect((await stat(open.root)).mode & 0o777).toBe(0o700);
    expect((await stat(open.runs)).mode & 0o777).toBe(0o700);
  });

  it.each([
    [{ SANDPIPER_STATE: "/x" }, "linux", "/x"],
    [{ XDG_STATE_HOME: "/s" }, "linux", "/s/sandpiper"],
    [{}, "linux", "/home/u/.local/state/sandpiper"],
    [{}, "darwin", "/home/u/Library/Application Support/sandpiper"],
  ] as const)("follows %j on %s", (env, platform, expected) => {
    expect(toStateFolder(env, platform, "/home/u").root).toBe(expected);
  });

  it("makes no path of an id that is none", () => {
    expect(() => toRunFolder(state, "../../etc")).toThrow(/no run or session/);
  });
});

describe("the ledger", () => {
  it("gives back what was saved, in files that nobody else can read", async () => {
    const ledger = createLedger(state, logger);

    await ledger.save(toSession("a-1"));

    expect(await ledger.read()).toEqual([toSession("a-1")]);
    expect((await stat(join(state.ledger, "a-1.json"))).mode & 0o777).toBe(0o600);
    expect(await readdir(state.ledger)).toEqual(["a-1.json"]);
  });

  it("refuses an entry of a newer version with a clear message, leaves it alone and counts it as owned", async () => {
    const ledger = createLedger(state, logger);
    await writeJsonFile(join(state.ledger, "b-1.json"), { ...toSession("b-1"), version: 2 }, false);

    expect(await ledger.read()).toEqual([]);
    expect(logged.join()).toMatch(/b-1\.json was written by a newer Sandpiper\. Update Sandpiper/);
    expect(await ledger.owns("b-1", RUNNING)).toBe(true);
    expect(await readdir(state.ledger)).toEqual(["b-1.json"]);
  });

  it("sets a damaged entry aside, so that it is neither lost nor in the way", async () => {
    const ledger = createLedger(state, logger);
    await ledger.save(toSession("c-1"));
    await writeFile(join(state.ledger, "d-1.json"), '{"version":1,"id":"d-');

    expect((await ledger.read()).map(({ id }) => id)).toEqual(["c-1"]);
    const aside = (await readdir(state.ledger)).find((name) => name.startsWith("d-1.json.damaged-"));
    expect(await readFile(join(state.ledger, aside ?? ""), "utf8")).toBe('{"version":1,"id":"d-');
    expect(logged.join()).toContain(aside);
  });

  it("owns the sandboxes of sessions that live, and no others", async () => {
    const ledger = createLedger(state, logger);
    await ledger.save({ ...toSession("e-1"), state: "creating" });
    await ledger.save({ ...toSession("e-2"), state: "destroying" });
    await ledger.save({ ...toSession("e-3"), state: "ended" });

    const owned = await Promise.all(["e-1", "e-2", "e-3", "e-4"].map((id) => ledger.owns(id, RUNNING)));

    expect(owned).toEqual([true, false, false, false]);
  });

  it("owns of a session that is paused what is paused, and nothing that runs on its account", async () => {
    const ledger = createLedger(state, logger);
    await ledger.save({ ...toSession("f-1"), state: "paused", pausedId: "sb-1" });

    expect(await ledger.owns("f-1", { id: "sb-1", running: false })).toBe(true);
    expect(await ledger.owns("f-1", { id: "sb-1", running: true })).toBe(true);
    expect(await ledger.owns("f-1", { id: "sb-2", running: false })).toBe(true);
    expect(await ledger.owns("f-1", { id: "sb-2", running: true })).toBe(false);
  });
});
