import {
  appendFileSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toKnownListing, toListing } from "../../../../src/snapshots/scan/folder-listing.ts";
import { readRootRules } from "../../../../src/snapshots/rules/ignore-rules.ts";
import { look } from "../../../../src/snapshots/look.ts";
import { scanWorkspace } from "../../../../src/snapshots/scan/scan-workspace.ts";
import type { Scan } from "../../../../src/snapshots/scan/scanner.ts";
import { makeFolder } from "../temp-folder.ts";

/** Scans as if every file and folder had been left alone for long, so that whatever can be believed is. */
function scanSettled(root: string, cacheFile: string): Scan {
  return scanWorkspace({ root, cacheFile, overlays: [], maxFileBytes: 1024 ** 2 }, () => Date.now() + 60_000);
}

let stamp = 1_000_000_000;

/** Gives what has changed times of its own: two changes in one tick of the clock are what `isSettled` is for. */
function touch(path: string): void {
  stamp++;
  if (look(path)) lutimesSync(path, stamp, stamp);
}

type Step = { readonly op: string; readonly path: string; readonly other: string; readonly text: string };

const change: Readonly<Record<string, (root: string, step: Step) => void>> = {
  write: (root, { path, text }) => writeFileSync(join(root, path), text),
  append: (root, { path, text }) => appendFileSync(join(root, path), text),
  remove: (root, { path }) => rmSync(join(root, path), { recursive: true }),
  folder: (root, { path }) => mkdirSync(join(root, path), { recursive: true }),
  move: (root, { path, other }) => renameSync(join(root, path), join(root, other)),
  link: (root, { path, other }) => symlinkSync(other, join(root, path)),
  ignore: (root, { path, text }) => writeFileSync(join(root, dirname(path), ".gitignore"), `${text}\n!keep\n`),
  allow: (root, { path, text }) => writeFileSync(join(root, dirname(path), ".sandboxignore"), `!${text}\n`),
};

function take(root: string, step: Step): void {
  try {
    change[step.op]?.(root, step);
  } catch {
    // Not every step fits every tree.
  }
  for (const path of [step.path, step.other]) {
    for (const name of ["", "/../.gitignore", "/../.sandboxignore"]) touch(join(root, path + name));
    touch(dirname(join(root, path)));
  }
}

describe("a second scan in the same thread", () => {
  it.each([
    { file: ".gitignore", text: "*.log\n", left: [".gitignore", "deep/b.txt"] },
    { file: ".gitignore", text: "*.txt\n", left: [".gitignore", "a.log", "deep/b.log"] },
    { file: ".gitignore", text: "deep/\n", left: [".gitignore", "a.log"] },
  ])("takes $file as it is now when that says $text, though no folder has changed", ({ file, text, left }) => {
    const root = makeFolder({ ".gitignore": "", "a.log": "", "deep/b.log": "", "deep/b.txt": "" });
    const cacheFile = join(makeFolder(), "cache");
    scanSettled(root, cacheFile);

    writeFileSync(join(root, file), text);

    expect([...scanSettled(root, cacheFile).manifest.keys()]).toEqual(left);
  });

  it("does not believe a folder that changed within the same tick of the clock (git's racy rule)", () => {
    const root = makeFolder();
    const stat = lstatSync(root, { bigint: true });
    const listing = toListing(root, readRootRules(root), []);

    expect(toKnownListing(listing, stat, Date.now())).toBeUndefined();
    expect(toKnownListing(listing, stat, Date.now() + 60_000)).toBeDefined();
  });

  it("finds what a first one would, whatever happened in between", () => {
    const path = fc
      .array(fc.constantFrom("a", "b", "keep", ".env"), { minLength: 1, maxLength: 3 })
      .map((names) => names.join("/"));
    const step: fc.Arbitrary<Step> = fc.record({
      op: fc.constantFrom(...Object.keys(change)),
      path,
      other: path,
      text: fc.constantFrom("", "a", "b", "*", "keep", "a/", "/b"),
    });
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 5 }), (rounds) => {
        const root = makeFolder();
        const cacheFile = join(makeFolder(), "cache");
        for (const steps of rounds) {
          for (const one of steps) take(root, one);

          const again = scanSettled(root, cacheFile);
          const afresh = scanSettled(root, join(makeFolder(), "cache"));

          expect([...again.manifest]).toEqual([...afresh.manifest]);
          expect(again.skipped.map(({ path: own, reason }) => `${own} ${reason}`).sort()).toEqual(
            afresh.skipped.map(({ path: own, reason }) => `${own} ${reason}`).sort(),
          );
        }
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});
