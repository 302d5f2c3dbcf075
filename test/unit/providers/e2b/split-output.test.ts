import { describe, expect, it } from "vitest";
import type { OutputChunk } from "../../../../src/providers/e2b/start-program.ts";
import { splitOutput } from "../../../../src/providers/e2b/split-output.ts";

async function* write(...chunks: readonly [OutputChunk["stream"], string][]): AsyncGenerator<OutputChunk> {
  for (const [stream, text] of chunks) yield { stream, bytes: Buffer.from(text) };
}

async function* writeUntilCut(): AsyncGenerator<OutputChunk> {
  yield* write(["stdout", "so far"]);
  throw new Error("cut");
}

async function readText(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe("the streams of a program", () => {
  it("are told apart, each in its order", async () => {
    const { stdout, stderr } = splitOutput(write(["stdout", "a"], ["stderr", "x"], ["stdout", "b"], ["stderr", "y"]));

    expect(await Promise.all([readText(stdout), readText(stderr)])).toEqual(["ab", "xy"]);
  });

  it("end with what has arrived when the connection is cut", async () => {
    const { stdout, stderr } = splitOutput(writeUntilCut());

    expect(await Promise.all([readText(stdout), readText(stderr)])).toEqual(["so far", ""]);
  });

  it("hold the program back while nobody reads", async () => {
    let written = 0;
    const endless = async function* (): AsyncGenerator<OutputChunk> {
      for (; written < 1000; written++) yield { stream: "stdout", bytes: new Uint8Array(64 * 1024) };
    };

    const { stdout } = splitOutput(endless());
    await new Promise((resolve) => setImmediate(resolve));
    const ahead = written;
    let sizeBytes = 0;
    for await (const chunk of stdout) sizeBytes += chunk.byteLength;

    expect(ahead).toBeLessThan(20);
    expect(sizeBytes).toBe(1000 * 64 * 1024);
  });
});
