import { describe, expect, it } from "vitest";
import { type DriverFrame, readFrames } from "../../../../src/providers/posix/interpreter/frames.ts";
import { toArray } from "../../../contract/run-to-end.ts";

const HELLO = "0123abcd";

function toFrame(kind: string, data: string): Buffer {
  const head = Buffer.alloc(5);
  head.write(kind, "latin1");
  head.writeUInt32BE(Buffer.byteLength(data), 1);
  return Buffer.concat([head, Buffer.from(data)]);
}

async function read(chunks: readonly Uint8Array[]): Promise<readonly DriverFrame[]> {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield* chunks;
  }
  return await toArray(readFrames(source(), HELLO));
}

const STREAM = Buffer.concat([
  Buffer.from(`noise 0123abc${HELLO}`),
  toFrame("h", "{}"),
  toFrame("o", "text"),
  toFrame("e", ""),
  toFrame("r", '{"kind":"count","count":3}'),
  toFrame("d", '{"code":1,"isLast":true}'),
]);
const FRAMES = [
  { kind: "hello" },
  { kind: "stdout", data: Buffer.from("text") },
  { kind: "stderr", data: Buffer.alloc(0) },
  { kind: "output", output: { kind: "count", count: 3 } },
  { kind: "done", code: 1, isLast: true },
];

describe("the driver's frames", () => {
  it("are the same wherever the stream is cut", async () => {
    for (let at = 0; at <= STREAM.length; at++)
      expect(await read([STREAM.subarray(0, at), STREAM.subarray(at)])).toEqual(FRAMES);
    expect(await read([...STREAM].map((byte) => Uint8Array.of(byte)))).toEqual(FRAMES);
  });

  it.each([
    ["a kind that there is not", toFrame("x", "")],
    ["a length that nothing has", Buffer.from([0x6f, 0xff, 0xff, 0xff, 0xff])],
    ["an output of no kind", toFrame("r", '{"kind":"count","count":"3"}')],
    ["forms that are no text", toFrame("r", '{"kind":"result","data":{"text/plain":1}}')],
    ["what is no JSON", toFrame("d", "{")],
    ["an end without a code", toFrame("d", "{}")],
  ])("refuse %s", async (_, frame) => {
    await expect(read([Buffer.from(HELLO), frame])).rejects.toThrow(/./);
  });

  it("are not waited for when something else is printed without end", async () => {
    await expect(read([Buffer.alloc(2 << 20)])).rejects.toThrow(/printed something else/);
  });
});
