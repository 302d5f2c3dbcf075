import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toStateFolder } from "../../../src/sessions/state-folder.ts";
import { createReadLog, logFileOf } from "../../../src/ui/read-log.ts";

describe("createReadLog", () => {
  let root = "";

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "sandpiper-log-"));
  });

  afterEach(() => rm(root, { recursive: true, force: true }));

  it("reads a piece from anywhere, and nothing behind the end", async () => {
    const state = toStateFolder({ SANDPIPER_STATE: root });
    await mkdir(join(state.runs, "run-1"), { recursive: true });
    await writeFile(logFileOf(state, "run-1"), "0123456789");
    const readLog = createReadLog(state);

    expect(await readLog("run-1", 4, 3)).toEqual({ data: Buffer.from("456"), nextOffset: 7, sizeBytes: 10 });
    expect(await readLog("run-1", 7, 64)).toEqual({ data: Buffer.from("789"), nextOffset: 10, sizeBytes: 10 });
    expect(await readLog("run-1", 10, 64)).toMatchObject({ nextOffset: 10, sizeBytes: 10 });
    expect(await readLog("run-1", 99, 64)).toMatchObject({ nextOffset: 99 });
  });

  it("reads nothing of a run that has written nothing", async () => {
    const readLog = createReadLog(toStateFolder({ SANDPIPER_STATE: root }));

    expect(await readLog("run-2", 0, 64)).toMatchObject({ nextOffset: 0, sizeBytes: 0 });
  });

  it("refuses an id that is a path", async () => {
    const readLog = createReadLog(toStateFolder({ SANDPIPER_STATE: root }));

    await expect(readLog("../../etc", 0, 64)).rejects.toMatchObject({ code: "not-found" });
  });
});
