import { appendFile, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { encodeHeader, type LogChunk, type LogStream } from "../../../src/sessions/run-log-format.ts";
import { createRunLogReader, readRunLog, repairRunLog } from "../../../src/sessions/run-log-reader.ts";
import { RunLogWriter } from "../../../src/sessions/run-log-writer.ts";
import { systemClock } from "../../../src/sessions/clock.ts";

let folder: string;
let sizes: number[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sandpiper-log-"));
  sizes = [];
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function createWriter(capBytes = 1024 ** 3): Promise<RunLogWriter> {
  return RunLogWriter.create(folder, { clock: systemClock, capBytes, onDidGrow: (size) => sizes.push(size) });
}

async function readAll(fromOffset = 0): Promise<LogChunk[]> {
  const chunks: LogChunk[] = [];
  for await (const chunk of readRunLog(folder, fromOffset)) chunks.push(chunk);
  return chunks;
}

function textOf(chunks: readonly LogChunk[], stream: LogStream): string {
  return Buffer.concat(chunks.filter((chunk) => chunk.stream === stream).map(({ data }) => data)).toString("latin1");
}

describe("a run's log", () => {
  it("gives back every byte of each stream in its order, from any offset", async () => {
    const pieces = fc.array(
      fc.tuple(fc.constantFrom<LogStream>("stdout", "stderr"), fc.uint8Array({ minLength: 1, maxLength: 40 })),
      { maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(pieces, fc.nat(1600), async (written, offset) => {
        await rm(join(folder, "output.bin"), { force: true });
        await rm(join(folder, "output.idx"), { force: true });
        const log = await createWriter();
        for (const [stream, data] of written) void log.append(stream, data);
        await log.close();

        const whole = Buffer.concat(written.map(([, data]) => data));
        const expected = (name: LogStream): string =>
          Buffer.concat(written.filter(([stream]) => stream === name).map(([, data]) => data)).toString("latin1");
        const all = await readAll();
        expect([textOf(all, "stdout"), textOf(all, "stderr")]).toEqual([expected("stdout"), expected("stderr")]);
        const rest = await readAll(offset);
        expect(Buffer.concat(rest.map(({ data }) => data)).equals(whole.subarray(offset))).toBe(true);
        expect(
          rest.every(
            (chunk, at) =>
              chunk.offset === (rest[at - 1] ? (rest[at - 1]?.offset ?? 0) + (rest[at - 1]?.data.length ?? 0) : offset),
          ),
        ).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("can be read while it grows, and tells how far", async () => {
    const log = await createWriter();
    const reader = createRunLogReader(folder);

    await log.append("stdout", Buffer.from("one"));
    await log.flush();
    const first = await reader.next();
    const nothing = await reader.next();
    await log.append("stderr", Buffer.from("two"));
    await log.flush();
    const second = await reader.next();

    expect([first?.data.toString(), nothing, second?.stream, second?.offset]).toEqual(["one", undefined, "stderr", 3]);
    expect(sizes).toEqual([3, 6]);
    await reader.close();
    await log.close();
  });

  it("yields pieces of at most 256 KiB, so that no reader needs more memory than that", async () => {
    const log = await createWriter();
    await log.append("stdout", Buffer.alloc(3 * 1024 * 1024, "x"));
    await log.close();

    const chunks = await readAll();

    expect(Math.max(...chunks.map(({ data }) => data.length))).toBe(256 * 1024);
    expect(chunks.length).toBe(12);
  });

  it("is empty rather than an error when it does not exist yet", async () => {
    expect(await readAll()).toEqual([]);
  });

  it("ignores half a record at the end, and its repair keeps the bytes that the record was to tell of", async () => {
    const log = await createWriter();
    await log.append("stderr", Buffer.from("told"));
    await log.close();
    await appendFile(join(folder, "output.bin"), "untold");
    await appendFile(join(folder, "output.idx"), Buffer.from([1, 0, 0]));

    const before = textOf(await readAll(), "stderr");
    const size = await repairRunLog(folder, 1);
    const after = await readAll();

    expect(before).toBe("told");
    expect(size).toBe(10);
    expect([textOf(after, "stderr"), textOf(after, "stdout")]).toEqual(["told", "untold"]);
    expect(((await stat(join(folder, "output.idx"))).size - 16) % 16).toBe(0);
  });

  it("ends where the bytes end when the index tells of more", async () => {
    const log = await createWriter();
    await log.append("stdout", Buffer.from("0123456789"));
    await log.close();
    await truncate(join(folder, "output.bin"), 4);

    expect(textOf(await readAll(), "stdout")).toBe("0123");
    expect(await repairRunLog(folder, 1)).toBe(4);
  });

  it("refuses a log that a newer Sandpiper wrote, and a file that is no log", async () => {
    const newer = Buffer.from(encodeHeader());
    newer.writeUInt32LE(2, 12);
    await writeFile(join(folder, "output.idx"), newer);
    await writeFile(join(folder, "output.bin"), "");

    await expect(readAll()).rejects.toMatchObject({ code: "unsupported" });
    await writeFile(join(folder, "output.idx"), "this is not an index of ours");
    await expect(readAll()).rejects.toMatchObject({ code: "invalid" });
  });

  it("keeps no more than its cap, says so, and goes on taking output", async () => {
    const log = await createWriter(5);

    await log.append("stdout", Buffer.from("1234"));
    await log.append("stdout", Buffer.from("5678"));
    await log.append("stderr", Buffer.from("more"));
    await log.close();

    expect(textOf(await readAll(), "stdout")).toBe("12345");
    expect(log.loss).toMatch(/Output after 5 bytes was not kept/);
  });

  it("says what was lost when the disk takes no more, and never rejects", async () => {
    const log = await createWriter();
    await log.append("stdout", Buffer.from("kept"));
    await log.flush();
    const handle = await open(join(folder, "output.bin"), "r");
    const writev = vi.spyOn(Object.getPrototypeOf(handle), "writev");
    writev.mockRejectedValue(new Error("ENOSPC: no space left on device"));
    await handle.close();
    try {
      await log.append("stdout", Buffer.from("lost"));
      await log.flush();
    } finally {
      writev.mockRestore();
    }
    await log.append("stdout", Buffer.from("also lost"));
    await log.close();

    expect(log.loss).toBe("Output after 4 bytes was not kept: ENOSPC: no space left on device");
    expect(await readFile(join(folder, "output.bin"), "utf8")).toBe("kept");
  });

  it("holds back whoever writes faster than the disk takes", async () => {
    const log = await createWriter();
    const order: string[] = [];

    const waiting = (async () => {
      await log.append("stdout", Buffer.alloc(2 * 1024 * 1024));
      order.push("taken");
    })();
    order.push("asked");
    await waiting;

    expect(order).toEqual(["asked", "taken"]);
    expect(log.sizeBytes).toBe(2 * 1024 * 1024);
    await log.close();
  });
});
