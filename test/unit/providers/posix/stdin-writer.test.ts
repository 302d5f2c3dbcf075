import { describe, expect, it } from "vitest";
import { createStdinWriter } from "../../../../src/providers/posix/stdin-writer.ts";

const MIB = 1024 * 1024;

/** A stream whose chunks are sent one after the other, each when the test lets it. */
function newStream() {
  const sent: Uint8Array[] = [];
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  let isClosed = false;
  const stream = new WritableStream<Uint8Array>({
    write(chunk) {
      sent.push(chunk);
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    close() {
      isClosed = true;
    },
  });
  const next = async (act: (one: { resolve: () => void; reject: (error: Error) => void }) => void): Promise<void> => {
    await expect.poll(() => waiting.length, { interval: 1 }).toBeGreaterThan(0);
    const one = waiting.shift();
    if (one) act(one);
  };
  return {
    stream,
    sent,
    isClosed: () => isClosed,
    pass: () => next(({ resolve }) => resolve()),
    fail: (error: Error) => next(({ reject }) => reject(error)),
  };
}

const isPending = async (work: Promise<unknown>): Promise<boolean> => {
  const later = new Promise((resolve) => setImmediate(resolve, "pending"));
  return (await Promise.race([work.then(() => "done"), later])) === "pending";
};

describe("writing to a command at Modal", () => {
  it("sends the first bytes at once, and all that comes meanwhile together", async () => {
    const { stream, sent, pass, isClosed } = newStream();
    const writer = createStdinWriter(stream);

    for (const text of ["a", "b", "", "c"]) await writer.write(Buffer.from(text));
    await pass();
    await pass();
    await writer.close();

    expect(sent.map((chunk) => Buffer.from(chunk).toString())).toEqual(["a", "bc"]);
    expect(isClosed()).toBe(true);
  });

  it("sends no more than a megabyte at once, and loses nothing", async () => {
    const { stream, sent, pass } = newStream();
    const writer = createStdinWriter(stream);
    const data = Buffer.concat([1, 2, 3, 4, 5].map((value) => Buffer.alloc(MIB / 2, value)));

    const written = writer.write(data);
    for (let index = 0; index < 3; index++) await pass();
    await written;

    expect(sent.map(({ byteLength }) => byteLength)).toEqual([MIB, MIB, MIB / 2]);
    expect(Buffer.concat(sent).equals(data)).toBe(true);
  });

  it("holds the writer back when two megabytes wait", async () => {
    const { stream, pass } = newStream();
    const writer = createStdinWriter(stream);
    await writer.write(Buffer.alloc(MIB));
    await writer.write(Buffer.alloc(MIB));

    const third = writer.write(Buffer.alloc(MIB + 1));

    expect(await isPending(third)).toBe(true);
    for (let index = 0; index < 4; index++) await pass();
    await third;
  });

  it("takes nothing more in once sending has failed, and says why", async () => {
    const { stream, fail, sent } = newStream();
    const writer = createStdinWriter(stream);
    await writer.write(Buffer.from("a"));

    await fail(new Error("gone"));

    await expect.poll(() => writer.write(Buffer.from("b")).catch((error: Error) => error.message)).toBe("gone");
    await expect(writer.close()).rejects.toThrow("gone");
    expect(sent.length).toBe(1);
  });

  it("keeps what it was given although the giver goes on to use it", async () => {
    const { stream, sent, pass } = newStream();
    const writer = createStdinWriter(stream);
    const data = Buffer.from("first");

    await writer.write(data);
    data.write("other");
    await pass();

    expect(Buffer.from(sent[0] ?? []).toString()).toBe("first");
  });
});
