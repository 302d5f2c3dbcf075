import {
  appendFileSync,
  chmodSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { look } from "../../../../src/snapshots/look.ts";
import { makeFolder } from "../temp-folder.ts";
import { expectTruth, openWorld } from "./watch-world.ts";

interface Step {
  readonly op: string;
  readonly path: string;
  readonly other: string;
  readonly text: string;
}

const change: Readonly<Record<string, (root: string, step: Step) => void>> = {
  write: (root, { path, text }) => writeFileSync(join(root, path), text),
  append: (root, { path, text }) => appendFileSync(join(root, path), text),
  cut: (root, { path }) => truncateSync(join(root, path), 0),
  remove: (root, { path }) => rmSync(join(root, path), { recursive: true }),
  folder: (root, { path }) => mkdirSync(join(root, path), { recursive: true }),
  grow: (root, { path, text }) => {
    mkdirSync(join(root, path, "in/ner"), { recursive: true });
    writeFileSync(join(root, path, "in/ner/f"), text);
  },
  move: (root, { path, other }) => renameSync(join(root, path), join(root, other)),
  mode: (root, { path }) => chmodSync(join(root, path), statSync(join(root, path)).mode ^ 0o100),
  link: (root, { path, other }) => symlinkSync(other, join(root, path)),
  replace: (root, { path, other }) => {
    rmSync(join(root, path));
    symlinkSync(other, join(root, path));
  },
  hard: (root, { path, other }) => linkSync(join(root, path), join(root, other)),
  ignore: (root, { path, text }) => writeFileSync(join(root, dirname(path), ".gitignore"), `${text}\n!keep\n`),
  allow: (root, { path, text }) => writeFileSync(join(root, dirname(path), ".sandboxignore"), `!${text}\n`),
};

let stamp = 1_000_000_000;

// Two changes of the same size in one tick of the clock are what `isSettled` is for, and the clock of these tests says that
// all has been left alone for long: what has changed gets times of its own.
function take(root: string, step: Step): void {
  try {
    change[step.op]?.(root, step);
  } catch {
    // Not every step fits every tree.
  }
  for (const path of [step.path, step.other]) {
    stamp++;
    for (const at of [path, join(dirname(path), ".gitignore"), join(dirname(path), ".sandboxignore"), dirname(path)])
      if (look(join(root, at))) lutimesSync(join(root, at), stamp, stamp);
  }
}

const path = fc
  .array(fc.constantFrom("a", "b", "keep", ".env"), { minLength: 1, maxLength: 3 })
  .map((names) => names.join("/"));
const step: fc.Arbitrary<Step> = fc.record({
  // Those that decide about others have everything looked at: few of them, so that hints are what is tried.
  op: fc.constantFrom(...Object.keys(change), ...Object.keys(change).slice(0, 9), ...Object.keys(change).slice(0, 9)),
  path,
  other: path,
  text: fc.constantFrom("", "a", "b", "*", "keep", "a/", "/b"),
});
const steps = fc.array(step, { maxLength: 6 });
const rounds = fc.array(fc.record({ before: steps, during: steps, isAtRest: fc.boolean() }), {
  minLength: 1,
  maxLength: 6,
});

describe.runIf(process.platform === "linux")("a scan that goes by hints", () => {
  it("finds what a first look at everything would, whatever happened in between and meanwhile", async () => {
    let hinted = 0;
    await fc.assert(
      fc.asyncProperty(rounds, async (all) => {
        const world = openWorld(makeFolder());
        await world.settle();
        for (const { before, during, isAtRest } of all) {
          for (const one of before) take(world.root, one);
          if (!(await expectTruth(world))) hinted++;

          const scan = world.scan();
          for (const one of during) take(world.root, one);
          await scan;
          if (isAtRest) await world.settle();
        }
        if (!(await expectTruth(world))) hinted++;
      }),
      { numRuns: 150 },
    );
    expect(hinted).toBeGreaterThan(100);
  }, 120_000);
});
