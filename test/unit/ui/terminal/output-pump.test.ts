import { beforeEach, describe, expect, it } from "vitest";
import { OutputPump } from "../../../../src/ui/terminal/output-pump.ts";
import { settle } from "../fake-engine.ts";

const MIB = 1024 * 1024;

let onFrame = (): void => undefined;

beforeEach(() => {
  onFrame = () => undefined;
});

/** A log in memory. `size` may be larger than what it holds: the rest reads as dots. */
function setUp(size = 0) {
  const written: string[] = [];
  const skipped: number[] = [];
  const reads: number[] = [];
  const log = { text: "", size };
  const pump = new OutputPump("run-1", {
    readLog: async (_id, from, maxBytes) => {
      const total = Math.max(log.size, log.text.length);
      const length = Math.max(0, Math.min(maxBytes, total - from));
      reads.push(length);
      const data = Buffer.alloc(length, ".");
      data.write(log.text.slice(from, from + length));
      return { data, nextOffset: from + length, sizeBytes: total };
    },
    write: (text) => void written.push(text),
    onSkip: (bytes) => void skipped.push(bytes),
    nextFrame: async () => onFrame(),
  });
  return { pump, log, written, skipped, reads };
}

describe("OutputPump", () => {
  it("writes what is there, then what comes, then ends", async () => {
    const { pump, log, written } = setUp();
    log.text = "one ";
    const drained = pump.drain();
    await settle();
    log.text += "two";
    pump.advance(7);
    await settle();
    pump.end();
    await drained;

    expect(written.join("")).toBe("one two");
  });

  it("writes what was logged just before the end", async () => {
    const { pump, log, written } = setUp();
    const drained = pump.drain();
    await settle();
    log.text = "last words";
    pump.end();
    await drained;

    expect(written.join("")).toBe("last words");
  });

  it("31: holds at most one chunk, and skips to the tail of a flood", async () => {
    const { pump, written, skipped, reads } = setUp(1024 * MIB);
    pump.end();
    await pump.drain();

    expect(Math.max(...reads)).toBeLessThanOrEqual(64 * 1024);
    expect(skipped).toHaveLength(1);
    expect(written.join("").length).toBeLessThan(MIB);
    expect((skipped[0] ?? 0) + written.join("").length).toBe(1024 * MIB);
  });

  it("keeps every byte of a log it is not far behind of", async () => {
    const { pump, written, skipped } = setUp(7 * MIB);
    pump.end();
    await pump.drain();

    expect(skipped).toEqual([]);
    expect(written.join("").length).toBe(7 * MIB);
  });

  it("stops in the middle when nobody looks", async () => {
    const { pump, written } = setUp(7 * MIB);
    onFrame = () => pump.stop();
    await pump.drain();

    expect(written).toHaveLength(1);
  });
});
