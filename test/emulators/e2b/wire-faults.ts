import type { ServerResponse } from "node:http";

/** Nothing of the answer arrives; the connection is reset where it would end. */
export function loseAnswer(response: ServerResponse): void {
  replaceWriting(response, () => {});
}

/** The connection is reset after so many bytes of the answer's body. */
export function cutAfter(response: ServerResponse, bytes: number): void {
  const write = response.write.bind(response);
  let left = bytes;
  replaceWriting(response, (chunk) => {
    if (chunk.byteLength < left) {
      left -= chunk.byteLength;
      return void write(chunk);
    }
    write(chunk.subarray(0, left), () => response.socket?.resetAndDestroy());
    left = 0;
  });
}

function replaceWriting(response: ServerResponse, write: (chunk: Buffer) => void): void {
  Object.assign(response, {
    write(chunk: string | Buffer): boolean {
      write(toBuffer(chunk));
      return true;
    },
    end(chunk: string | Buffer = ""): ServerResponse {
      write(toBuffer(chunk));
      response.socket?.resetAndDestroy();
      return response;
    },
  });
}

function toBuffer(chunk: string | Buffer): Buffer {
  return typeof chunk === "string" ? Buffer.from(chunk) : chunk;
}
