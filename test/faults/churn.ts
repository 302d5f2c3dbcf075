// A program that changes a folder at random, as fast as it can: `node churn.ts FOLDER STEPS SEED`.
import { appendFileSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [root = "", steps = "0", seed = "1"] = process.argv.slice(2);
let state = Number(seed);

/** From 0 to below `limit` (Park and Miller's generator). */
function pick(limit: number): number {
  state = (state * 48_271) % 2_147_483_647;
  return state % limit;
}

function pickPath(): string {
  const names = Array.from({ length: 1 + pick(3) }, () => ["a", "b", "c", "d"][pick(4)] ?? "a");
  return join(root, ...names);
}

const acts: readonly (() => void)[] = [
  () => writeFileSync(pickPath(), String(pick(1000))),
  () => appendFileSync(pickPath(), "x"),
  () => mkdirSync(pickPath(), { recursive: true }),
  () => writeFileSync(join(pickPath(), "f"), "y"),
  () => renameSync(pickPath(), pickPath()),
  () => rmSync(pickPath(), { recursive: true }),
  () => symlinkSync("a", pickPath()),
];
// A file that has another name has everything looked at: not in every round.
const link = (): void => linkSync(pickPath(), pickPath());
const all = Number(seed) % 2 === 0 ? [...acts, link] : acts;

for (let at = 0; at < Number(steps); at++) {
  try {
    all[pick(all.length)]?.();
  } catch {
    // Not every step fits every tree.
  }
}
