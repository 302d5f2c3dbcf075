// Measures what performance.md asks for and writes test/bench/RESULTS.md and results.json. Started by scripts/bench.mjs.
// A bench reports; it is no test: nothing here fails for being slow.
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { root } from "../../scripts/setup/paths.mjs";
import { buildPackage } from "../rig/check-package.ts";
import { makeTempFolder, removeFolder } from "../rig/temp-folder.ts";
import { measureActivation } from "./activation.ts";
import { measureFirstByte, type Timed } from "./first-byte.ts";
import { medianOf } from "./statistics.ts";

const ROUNDS = 15;
const WINDOWS = 7;

interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** For times: what was measured, in order. */
  readonly samples?: readonly number[];
  /** How many times as long as what does less: "12.7× plain process". */
  readonly ratio?: string;
}

function sizeRows(vsix: string): readonly Row[] {
  const dist = join(root, "dist");
  const size = (name: string) => statSync(join(dist, name)).size / 1024;
  const chunks = readdirSync(join(dist, "chunks")).map((name) => size(join("chunks", name)));
  const engine =
    size("engine.js") + size("cli.js") + size("scan-worker.js") + chunks.reduce((sum, each) => sum + each, 0);
  return [
    { what: "extension entry, minified", value: size("extension.cjs"), unit: "KB" },
    { what: "engine, command line and their chunks", value: engine, unit: "KB" },
    { what: ".vsix", value: statSync(vsix).size / 1024, unit: "KB" },
  ];
}

async function timeRows(vsix: string): Promise<readonly Row[]> {
  const activation = await measureActivation(vsix, WINDOWS);
  const firstByte = await measureFirstByte(ROUNDS);
  return [
    { what: "activation in VS Code", value: medianOf(activation), unit: "ms", samples: activation },
    ...firstByte.flatMap(({ plain, ours }) => [toTimeRow(plain), { ...toTimeRow(ours), ratio: toRatio(ours, plain) }]),
  ];
}

function toTimeRow({ name, ms }: Timed): Row {
  return { what: `first byte: ${name}`, value: medianOf(ms), unit: "ms", samples: ms };
}

function toRatio(ours: Timed, plain: Timed): string {
  return `${(medianOf(ours.ms) / medianOf(plain.ms)).toFixed(1)}× ${plain.name}`;
}

function toMarkdown(rows: readonly Row[], machine: string): string {
  const lines = rows.map(({ what, value, unit, samples, ratio = "" }) => {
    const spread = samples
      ? `${Math.min(...samples).toFixed(1)} to ${Math.max(...samples).toFixed(1)} (${samples.length})`
      : "";
    return `| ${what} | ${value.toFixed(1)} ${unit} | ${spread} | ${ratio} |`;
  });
  const head = `# Results\n\nMade by \`npm run bench\` on ${machine}. Times are medians; what is compared was measured in turn.\n`;
  return `${head}\n| what | value | from, to (samples) | ratio |\n| --- | --- | --- | --- |\n${lines.join("\n")}\n`;
}

const folder = makeTempFolder();
const vsix = await buildPackage(folder);
const rows = [...sizeRows(vsix), ...(await timeRows(vsix))];
const machine = `${cpus()[0]?.model ?? "an unknown processor"}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release().split("-")[0]}`;
const markdown = toMarkdown(rows, machine);
writeFileSync(join(root, "test/bench/RESULTS.md"), markdown);
writeFileSync(join(root, "test/bench/results.json"), `${JSON.stringify({ machine, rows }, undefined, 2)}\n`);
removeFolder(folder);
console.log(`\n${markdown}`);
