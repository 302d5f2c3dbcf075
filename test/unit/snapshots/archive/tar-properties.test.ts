import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import { whyUnsafePath } from "../../../../src/core/workspace-path.ts";
import { type TarInput, writeTar } from "../../../../src/snapshots/archive/tar-writer.ts";
import { createPathGate } from "../../../../src/snapshots/path-gate.ts";
import { inPieces, readAll, toBuffer } from "./tar-samples.ts";

const text = (maxLength: number): fc.Arbitrary<string> =>
  // What UTF-8 has no form for cannot be in an archive, and neither can NUL.
  fc
    .string({ unit: "grapheme", minLength: 1, maxLength })
    .map((any) => Buffer.from(any.replaceAll("\0", "-")).toString());
const name = text(60)
  .map((any) => any.replaceAll("/", "-"))
  .filter((any) => whyUnsafePath(any, "linux") === undefined);
const path = fc.array(name, { minLength: 1, maxLength: 8 }).map((names) => names.join("/"));
const input: fc.Arbitrary<TarInput> = fc.oneof(
  fc
    .record({
      path,
      executable: fc.boolean(),
      content: fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
    })
    .map((file): TarInput => Object.assign(file, { type: "file", sizeBytes: file.content.length } as const)),
  fc.record({ type: fc.constant("link"), path, target: text(300) }),
  fc.record({ type: fc.constant("directory"), path }),
);
/** What one folder can hold. */
const tree = fc.array(input, { maxLength: 12 }).map((inputs) => {
  const gate = createPathGate("linux");
  return inputs.filter(({ path: own, type }) => gate.refuse(own, type === "directory") === undefined);
});

describe("tar, for any tree", () => {
  it("comes back as it went, whatever the pieces", async () => {
    await fc.assert(
      fc.asyncProperty(tree, fc.integer({ min: 1, max: 3000 }), async (inputs, size) => {
        const entries = await readAll(inPieces(await toBuffer(writeTar(inputs)), size));

        expect(entries).toEqual(inputs);
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it("never gives anything but a SandboxError or safe paths, whatever bytes are changed (security 1, 12)", async () => {
    const change = fc.record({ at: fc.nat(20_000), byte: fc.integer({ min: 0, max: 255 }) });
    await fc.assert(
      fc.asyncProperty(
        tree,
        fc.array(change, { minLength: 1, maxLength: 8 }),
        fc.nat(30_000),
        async (inputs, changes, cut) => {
          const bytes = await toBuffer(writeTar(inputs));
          for (const { at, byte } of changes) bytes[at % bytes.length] = byte;

          await expectSafe(cut % 3 === 0 ? bytes.subarray(0, cut) : bytes);
        },
      ),
      { numRuns: 400 },
    );
  }, 60_000);

  it("never gives anything but a SandboxError or safe paths when the checksums are made to fit (security 1, 12)", async () => {
    const change = fc.record({ header: fc.nat(20), at: fc.nat(511), byte: fc.integer({ min: 0, max: 255 }) });
    await fc.assert(
      fc.asyncProperty(tree, fc.array(change, { minLength: 1, maxLength: 8 }), async (inputs, changes) => {
        const bytes = await toBuffer(writeTar(inputs));
        for (const { header, at, byte } of changes) {
          const block = bytes.subarray((header * 512) % bytes.length).subarray(0, 512);
          block[at] = byte;
          block.fill(0x20, 148, 156);
          block.write(
            `${block
              .reduce((sum, value) => sum + value, 0)
              .toString(8)
              .padStart(6, "0")}\0 `,
            148,
            "latin1",
          );
        }

        await expectSafe(bytes);
      }),
      { numRuns: 400 },
    );
  }, 60_000);
});

async function expectSafe(bytes: Buffer): Promise<void> {
  try {
    for (const entry of await readAll(inPieces(bytes))) {
      if (entry.type !== "refused") expect(whyUnsafePath(entry.path, "linux")).toBeUndefined();
    }
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
  }
}
