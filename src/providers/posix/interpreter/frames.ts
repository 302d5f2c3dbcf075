import type { CellOutput } from "../../../core/interpreter.ts";
import { MOST_FRAME_BYTES } from "./relay-script.ts";

/** What the driver says; see relay-script.ts for the bytes. */
export type DriverFrame =
  | { readonly kind: "hello" }
  | { readonly kind: "stdout" | "stderr"; readonly data: Uint8Array }
  | { readonly kind: "output"; readonly output: CellOutput }
  /** With `isLast` the driver ends: what the next cell is sent to is a new one. */
  | { readonly kind: "done"; readonly code: number; readonly isLast: boolean };

const BROKEN = "A cell broke the connection to its context.";
const HEAD_BYTES = 5;
/** What a start-up file of Python's may print before the driver's first frame. */
const MOST_NOISE_BYTES = 1024 ** 2;

/**
 * Reads the driver's stdout. Code in the sandbox can write there too: whatever is no frame ends the reading.
 * @param hello what comes before the first frame; everything before it is dropped
 * @throws {Error} when the bytes are none of the driver's
 */
export async function* readFrames(source: AsyncIterable<Uint8Array>, hello: string): AsyncGenerator<DriverFrame> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let neededBytes = HEAD_BYTES;
  for await (const chunk of skipNoise(source, hello)) {
    held.push(chunk);
    heldBytes += chunk.length;
    // Joined once there is a whole frame: a large one comes in many pieces.
    if (heldBytes < neededBytes) continue;
    let bytes = Buffer.concat(held);
    for (neededBytes = countNeeded(bytes); bytes.length >= neededBytes; neededBytes = countNeeded(bytes)) {
      yield toFrame(String.fromCharCode(bytes[0] ?? 0), bytes.subarray(HEAD_BYTES, neededBytes));
      bytes = bytes.subarray(neededBytes);
    }
    held = [bytes];
    heldBytes = bytes.length;
  }
}

/** How many bytes the frame has that begins there, as far as that is known. */
function countNeeded(bytes: Buffer): number {
  if (bytes.length < HEAD_BYTES) return HEAD_BYTES;
  const size = bytes.readUInt32BE(1);
  if (size > MOST_FRAME_BYTES) throw new Error(BROKEN);
  return HEAD_BYTES + size;
}

async function* skipNoise(source: AsyncIterable<Uint8Array>, hello: string): AsyncGenerator<Buffer> {
  let noise: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (!noise) {
      yield bytes;
      continue;
    }
    noise = Buffer.concat([noise, bytes]);
    const at = noise.indexOf(hello);
    if (at === -1 && noise.length > MOST_NOISE_BYTES) throw new Error("Python printed something else at its start.");
    if (at === -1) continue;
    yield noise.subarray(at + hello.length);
    noise = undefined;
  }
}

/** A cell, for the driver's stdin. */
export function toCellFrame(cell: object): Buffer {
  const data = Buffer.from(JSON.stringify(cell));
  const head = Buffer.alloc(HEAD_BYTES);
  head.write("c", "latin1");
  head.writeUInt32BE(data.length, 1);
  return Buffer.concat([head, data]);
}

function toFrame(kind: string, data: Buffer): DriverFrame {
  switch (kind) {
    case "h":
      return { kind: "hello" };
    case "o":
      return { kind: "stdout", data };
    case "e":
      return { kind: "stderr", data };
    case "r":
      return { kind: "output", output: toOutput(parse(data)) };
    case "d": {
      const { code, isLast } = parse(data);
      if (typeof code === "number") return { kind: "done", code, isLast: isLast === true };
    }
  }
  throw new Error(BROKEN);
}

function toOutput({ kind, data, isMain, name, value, traceback, count }: Record<string, unknown>): CellOutput {
  if (kind === "result" && isTexts(data)) return { kind, data, isMain: isMain === true };
  if (kind === "count" && typeof count === "number") return { kind, count };
  if (kind === "error" && typeof name === "string" && typeof value === "string" && typeof traceback === "string")
    return { kind, name, value, traceback };
  throw new Error(BROKEN);
}

function parse(data: Buffer): Record<string, unknown> {
  const value: unknown = JSON.parse(data.toString("utf8"));
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return typeof value === "object" && value !== null && Object.values(value).every((text) => typeof text === "string");
}
