import { PassThrough } from "node:stream";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFrameParser, demultiplex } from "../../../../src/providers/docker/demultiplex.ts";

const STDOUT = 1;
const STDERR = 2;

function toFrame(stream: number, payload: Uint8Array | string): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(Buffer.byteLength(payload), 4);
  return Buffer.concat([header, Buffer.from(payload)]);
}

async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("the frames of an exec", () => {
  it("give every byte to its stream, however the connection cuts them", () => {
    const frame = fc.tuple(fc.constantFrom(STDOUT, STDERR), fc.uint8Array({ maxLength: 40 }));
    const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 });

    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), cuts, (frames, sizes) => {
        const got: Record<number, number[]> = { [STDOUT]: [], [STDERR]: [] };
        const parse = createFrameParser((stream, payload) => got[stream]?.push(...payload));
        const bytes = Buffer.concat(frames.map(([stream, payload]) => toFrame(stream, payload)));

        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          parse(bytes.subarray(at, at + size));
          at += size;
        }

        for (const wanted of [STDOUT, STDERR])
          expect(got[wanted]).toEqual(
            frames.filter(([stream]) => stream === wanted).flatMap(([, payload]) => Array.from(payload)),
          );
      }),
    );
  });

  it("are refused when they are none", () => {
    const parse = createFrameParser(() => {});

    expect(() => parse(Buffer.from("OCI runtime exec failed"))).toThrow("no frame");
  });
});

describe("splitting a connection", () => {
  it("passes payloads on as views, without copying", async () => {
    const connection = new PassThrough();
    const { stdout } = demultiplex(connection, false);
    const frame = toFrame(STDOUT, "hello");

    connection.end(frame);
    for await (const chunk of stdout) expect(chunk.buffer).toBe(frame.buffer);

    expect.assertions(1);
  });

  it("ends both streams when the connection breaks, keeping what has come", async () => {
    const connection = new PassThrough();
    const { stdout, stderr } = demultiplex(connection, false);

    connection.write(Buffer.concat([toFrame(STDOUT, "out"), toFrame(STDERR, "err")]));
    await setImmediate();
    connection.destroy(new Error("broken"));

    expect(String(await readAll(stdout))).toBe("out");
    expect(String(await readAll(stderr))).toBe("err");
  });

  it("ends both streams when what comes is no frame", async () => {
    const connection = new PassThrough();
    const { stdout, stderr } = demultiplex(connection, false);

    connection.write("this is not a frame at all");

    expect((await readAll(stdout)).length + (await readAll(stderr)).length).toBe(0);
    expect(connection.destroyed).toBe(true);
  });

  it("treats everything as stdout with a terminal", async () => {
    const connection = new PassThrough();
    const { stdout, stderr } = demultiplex(connection, true);

    connection.end("\u0001\u0000plain");

    expect(String(await readAll(stdout))).toBe("\u0001\u0000plain");
    expect((await readAll(stderr)).length).toBe(0);
  });

  it("pauses the connection while a stream is not read, and loses nothing once it is", async () => {
    const connection = new PassThrough({ highWaterMark: 1 });
    const { stdout, stderr } = demultiplex(connection, false);
    const block = Buffer.alloc(512 * 1024, 7);

    for (let turn = 0; turn < 4; turn++) connection.write(toFrame(STDERR, block));
    connection.end(toFrame(STDOUT, "late"));
    await setImmediate();

    expect(connection.isPaused()).toBe(true);
    const [out, err] = await Promise.all([readAll(stdout), readAll(stderr)]);
    expect(String(out)).toBe("late");
    expect(err.length).toBe(4 * block.length);
  });

  it("goes on when a reader leaves early", async () => {
    const connection = new PassThrough({ highWaterMark: 1 });
    const { stdout, stderr } = demultiplex(connection, false);
    const block = Buffer.alloc(1024 * 1024, 7);

    connection.write(toFrame(STDERR, "first"));
    for await (const chunk of stderr) {
      expect(String(Buffer.from(chunk))).toBe("first");
      break;
    }
    for (let turn = 0; turn < 4; turn++) connection.write(toFrame(STDERR, block));
    connection.end(toFrame(STDOUT, "after"));

    expect(String(await readAll(stdout))).toBe("after");
  });
});
