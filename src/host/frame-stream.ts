import type { Socket } from "node:net";
import { MAX_FRAME_BYTES } from "./protocol.ts";

const NEWLINE = 0x0a;

/** Cuts a byte stream into lines of JSON. What is not JSON, or too long, is told of and never thrown. */
export interface FrameReader {
  push(data: Uint8Array): void;
}

/** @param onFrame is given what JSON.parse made of a line; @param onError a message for the other side, and whether to go on is hopeless */
export function createFrameReader(
  onFrame: (frame: unknown) => void,
  onError: (message: string, isFatal: boolean) => void,
  maxBytes = MAX_FRAME_BYTES,
): FrameReader {
  let parts: Uint8Array[] = [];
  let partBytes = 0;
  let isBroken = false;
  const endFrame = (rest: Uint8Array): void => {
    const line = Buffer.concat([...parts, rest]);
    parts = [];
    partBytes = 0;
    if (line.length === 0) return;
    const frame = parseJson(line);
    if (frame === undefined) onError("A frame was not JSON.", false);
    else onFrame(frame.value);
  };
  const cut = (data: Uint8Array): Uint8Array => {
    let start = 0;
    for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE, start)) {
      endFrame(data.subarray(start, end));
      start = end + 1;
    }
    return data.subarray(start);
  };
  return {
    push: (data) => {
      if (isBroken) return;
      const rest = cut(data);
      parts.push(rest);
      partBytes += rest.length;
      if (partBytes <= maxBytes) return;
      isBroken = true;
      parts = [];
      onError(`A frame was longer than ${maxBytes} bytes.`, true);
    },
  };
}

function parseJson(line: Buffer): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(line.toString("utf8")) };
  } catch {
    return undefined;
  }
}

/** Writes one frame. Resolves when the socket has room for more; a socket that has ended takes it without a word. */
export async function writeFrame(socket: Socket, frame: object): Promise<void> {
  if (!socket.writable) return;
  if (socket.write(`${JSON.stringify(frame)}\n`)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}
