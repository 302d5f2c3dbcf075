import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { Logger } from "../../../src/core/logger.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { ChangeSetStore, type NewChangeSet } from "../../../src/sessions/change-set-store.ts";
import type { Change } from "../../../src/sessions/records.ts";
import type { ChangeSetRecord } from "../../../src/sessions/snapshot-records.ts";
import { prepareStateFolder, type StateFolder, toStateFolder } from "../../../src/sessions/state-folder.ts";
import { FakeClock } from "../../fakes/fake-clock.ts";
import { makeFolder } from "../snapshots/temp-folder.ts";

const DAY_MS = 24 * 60 * 60_000;

let state: StateFolder;
let clock: FakeClock;
let told: ChangeSetRecord[];

const pending: Change = { path: "a", kind: "deleted", decision: "pending", isProtected: false };
const toSet = (title: string, changes: readonly Change[] = [pending]): NewChangeSet => ({
  title,
  workspaceRoot: "/ws",
  cause: "restore",
  snapshotId: "s-1",
  changes,
});

async function open(logger: Logger = silentLogger): Promise<ChangeSetStore> {
  const store = new ChangeSetStore({ state, clock, logger, onDidChange: (record) => told.push(record) });
  await store.load();
  return store;
}

beforeEach(async () => {
  state = toStateFolder({ SANDPIPER_STATE: makeFolder() });
  await prepareStateFolder(state);
  clock = new FakeClock();
  told = [];
});

describe("change sets on disk", () => {
  it("are there again after a restart, newest first, with what was decided", async () => {
    const store = await open();
    const first = await store.create(toSet("first"));
    clock.advance(1);
    const second = await store.create(toSet("second", [pending, { ...pending, path: "b" }]));
    await store.saveChanges(second.id, [pending, { ...pending, path: "b", decision: "applied" }]);

    const again = await open();

    expect(again.list()).toEqual(store.list());
    expect(again.list().map(({ title, changes }) => [title, changes.pending])).toEqual([
      ["second", 1],
      ["first", 1],
    ]);
    expect((await again.readChanges(second.id)).map(({ decision }) => decision)).toEqual(["pending", "applied"]);
    expect(told.map(({ title, changes }) => [title, changes.pending])).toEqual([
      ["first", 1],
      ["second", 2],
      ["second", 1],
    ]);
    expect(again.find(first.id)).toMatchObject({ cause: "restore", snapshotId: "s-1", workspaceRoot: "/ws" });
  });

  it("are forgotten a day after they were made when nothing is pending, after 30 days in any case", async () => {
    const store = await open();
    await store.create(toSet("pending"));
    clock.advance(1);
    await store.create(toSet("nothing to do", []));
    const titles = (): string[] => store.list().map(({ title }) => title);

    clock.advance(DAY_MS - 1);
    await store.forgetOld();
    expect(titles()).toEqual(["nothing to do", "pending"]);
    clock.advance(2);
    await store.forgetOld();
    expect(titles()).toEqual(["pending"]);
    clock.advance(29 * DAY_MS);
    await store.forgetOld();
    expect(titles()).toEqual([]);
    expect(await readdir(state.changeSets)).toEqual([]);
  });

  it("do not count without their record, and what was cut short goes away after a day", async () => {
    for (const name of ["young", "old"]) {
      await mkdir(join(state.changeSets, name));
      await writeFile(join(state.changeSets, name, "changes.json"), `{"version":1,"changes":[]}`);
    }
    const longAgo = new Date(clock.now() - 2 * DAY_MS);
    await utimes(join(state.changeSets, "old"), longAgo, longAgo);
    const now = new Date(clock.now());
    await utimes(join(state.changeSets, "young"), now, now);

    expect((await open()).list()).toEqual([]);
    expect(await readdir(state.changeSets)).toEqual(["young"]);
  });

  it.each([
    { what: "damaged", text: "{ nonsense", says: /is damaged; it is kept as .*record\.json\.damaged-/ },
    { what: "newer", text: `{"version":2,"id":"x"}`, says: /was written by a newer Sandpiper/ },
  ])("whose record is $what are told of and left alone, and stop nobody", async ({ text, says }) => {
    const store = await open();
    const { id } = await store.create(toSet("fine"));
    await mkdir(join(state.changeSets, "bad"));
    await writeFile(join(state.changeSets, "bad", "record.json"), text);
    const errors: string[] = [];

    const again = await open({ ...silentLogger, error: (message) => void errors.push(message) });

    expect(again.list().map((record) => record.id)).toEqual([id]);
    expect(errors).toEqual([expect.stringMatching(says)]);
    expect(await readdir(state.changeSets)).toContain("bad");
  });

  it("that are forgotten meanwhile take no decision", async () => {
    const store = await open();
    const { id } = await store.create(toSet("old"));
    clock.advance(31 * DAY_MS);
    await store.forgetOld();

    await store.saveChanges(id, []);

    expect(await readdir(state.changeSets)).toEqual([]);
  });
});
