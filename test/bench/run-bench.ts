// Measures what performance.md asks for and writes test/bench/RESULTS.md and results.json. Started by scripts/bench.mjs:
// `npm run bench` measures all, `npm run bench -- scan restore` those, `npm run bench -- snapshots` all that snapshots are
// about; `--rounds 3` is for trying. A bench reports; it is no test: nothing here fails for being slow.
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../../scripts/setup/paths.mjs";
import { benchActivation, benchSizes } from "./shipped.ts";
import { benchBatch } from "./batch.ts";
import { benchContainer } from "./container.ts";
import { benchEdit } from "./edit.ts";
import { benchFirstByte } from "./first-byte.ts";
import { benchModal } from "./modal-overhead.ts";
import { benchPack } from "./pack.ts";
import { benchRestore } from "./restore.ts";
import { benchRoundTrip } from "./round-trip.ts";
import { benchScan } from "./scan.ts";
import { type Report, type Section, toMarkdown } from "./section.ts";

type Bench = (rounds: number) => Promise<Section>;

const SNAPSHOT_BENCHES: Readonly<Record<string, Bench>> = {
  scan: benchScan,
  pack: benchPack,
  container: benchContainer,
  edit: benchEdit,
  restore: benchRestore,
  "round-trip": benchRoundTrip,
};
const BENCHES: Readonly<Record<string, Bench>> = {
  sizes: benchSizes,
  activation: benchActivation,
  "first-byte": benchFirstByte,
  modal: benchModal,
  batch: benchBatch,
  ...SNAPSHOT_BENCHES,
};
const ROUNDS = 7;
const JSON_FILE = join(root, "test/bench/results.json");

function readReport(): Report {
  const value: unknown = JSON.parse(readFileSync(JSON_FILE, "utf8"));
  if (typeof value !== "object" || value === null || !("sections" in value)) return {};
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this program wrote it
  return value.sections as Report;
}

function toNames(words: readonly string[]): readonly string[] {
  const names = words.length === 0 ? Object.keys(BENCHES) : words;
  return names.flatMap((name) => {
    if (name === "snapshots") return Object.keys(SNAPSHOT_BENCHES);
    if (!BENCHES[name])
      throw new Error(`There is no bench "${name}", but ${Object.keys(BENCHES).join(", ")}, snapshots.`);
    return [name];
  });
}

async function measure(names: readonly string[], rounds: number): Promise<Report> {
  const before = readReport();
  const sections: Record<string, Section> = {};
  for (const [name, bench] of Object.entries(BENCHES)) {
    const startedAt = performance.now();
    const section = names.includes(name) ? await bench(rounds) : before[name];
    if (names.includes(name)) console.log(`${name}: ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
    if (section) sections[name] = section;
  }
  return sections;
}

const { values, positionals } = parseArgs({ options: { rounds: { type: "string" } }, allowPositionals: true });
const sections = await measure(toNames(positionals), Number(values.rounds ?? ROUNDS));
const machine = `${cpus()[0]?.model ?? "an unknown processor"}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release().split("-")[0]}, Node ${process.versions.node}`;
const markdown = toMarkdown(sections, machine);
writeFileSync(join(root, "test/bench/RESULTS.md"), markdown);
writeFileSync(JSON_FILE, `${JSON.stringify({ machine, sections }, undefined, 2)}\n`);
console.log(`\n${markdown}`);
