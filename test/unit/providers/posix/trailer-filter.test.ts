import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createNonce, TrailerFilter, toSignalName } from "../../../../src/providers/posix/trailer-filter.ts";

const NONCE = "0123456789abcdef0123456789abcdef";
const EDGE = Buffer.from([0xc1]);
const trailer = (text: string): Buffer => Buffer.concat([EDGE, Buffer.from(`${NONCE} ${text}`), EDGE]);

/** What comes out when `bytes` arrive cut at `cuts`. */
function filterInPieces(bytes: Buffer, cuts: readonly number[]): { out: Buffer; filter: TrailerFilter } {
  const filter = new TrailerFilter(NONCE);
  const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  const out = edges.slice(1).map((edge, index) => filter.push(bytes.subarray(edges[index] ?? 0, edge)));
  return { out: Buffer.concat([...out, filter.end()]), filter };
}

/** Output that is full of what looks like the beginning of a trailer. */
const teasing = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.constantFrom(EDGE, trailer("exited 0").subarray(0, 20), Buffer.from(NONCE), trailer("nonsense")),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Buffer.concat(parts));

describe("the trailer filter", () => {
  it("passes output on to the byte and reads the trailer, wherever it is cut", () => {
    fc.assert(
      fc.property(
        teasing,
        teasing,
        fc.nat({ max: 255 }),
        fc.array(fc.nat(), { maxLength: 6 }),
        (output, late, code, cuts) => {
          const { out, filter } = filterInPieces(Buffer.concat([output, trailer(`exited ${code}`), late]), cuts);

          expect(out.equals(output)).toBe(true);
          expect(filter.status).toEqual({ kind: "exited", code });
        },
      ),
    );
  });

  it("passes everything on when there is no trailer, wherever it is cut", () => {
    fc.assert(
      fc.property(teasing, fc.array(fc.nat(), { maxLength: 6 }), (output, cuts) => {
        const { out, filter } = filterInPieces(output, cuts);

        expect(out.equals(output)).toBe(true);
        expect(filter.status).toBeUndefined();
      }),
    );
  });

  it("reads signals by their Linux names", () => {
    const filter = new TrailerFilter(NONCE);

    filter.push(trailer("signaled 9"));

    expect(filter.status).toEqual({ kind: "signaled", signal: "SIGKILL" });
    expect([1, 7, 10, 31, 34, 40].map(toSignalName)).toEqual([
      "SIGHUP",
      "SIGBUS",
      "SIGUSR1",
      "SIGSYS",
      "SIGRTMIN+0",
      "SIGRTMIN+6",
    ]);
  });

  it("does not take the trailer of another run", () => {
    const filter = new TrailerFilter(createNonce());
    const bytes = trailer("exited 0");

    expect(Buffer.concat([filter.push(bytes), filter.end()]).equals(bytes)).toBe(true);
    expect(filter.status).toBeUndefined();
  });

  it("hands chunks on uncopied, and holds nothing back of text", () => {
    const filter = new TrailerFilter(NONCE);
    const chunk = Buffer.from("plain text, with ünïcode and NUL\0 at the end\0");

    expect(filter.push(chunk)).toBe(chunk);
  });
});
