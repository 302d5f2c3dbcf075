// Runs every layer of tests, goes on past the ones that fail, and ends with one line of counts. Started by scripts/test.mjs.
import { toSeconds } from "../../scripts/setup/step.mjs";
import { addCounts, describeCounts, type Counts } from "./counts.ts";
import { LAYERS, type Layer } from "./layers.ts";
import { whyUnmet } from "./needs.ts";

interface LayerReport {
  readonly name: string;
  readonly counts: Counts;
  readonly ms: number;
  readonly note: string;
}

/** With CI=true nothing may be left out. */
const isStrict = process.env["CI"] === "true";

async function runLayer(layer: Layer): Promise<LayerReport> {
  const startedAt = Date.now();
  const report = (counts: Counts, note = "") => ({ name: layer.name, counts, ms: Date.now() - startedAt, note });
  console.log(`\n── ${layer.name} ${"─".repeat(Math.max(0, 70 - layer.name.length))}`);
  for (const need of layer.needs) {
    const reason = await whyUnmet(need);
    if (reason === undefined) continue;
    console.log(`Not run: ${reason}.`);
    return report({ passed: 0, failed: isStrict ? 1 : 0, skipped: isStrict ? 0 : 1 }, reason);
  }
  try {
    return report(await layer.run());
  } catch (error) {
    console.error(error);
    return report({ passed: 0, failed: 1, skipped: 0 });
  }
}

function printReport(reports: readonly LayerReport[]): void {
  console.log(`\n── summary ${"─".repeat(63)}`);
  for (const { name, counts, ms, note } of reports) {
    const mark = counts.failed > 0 ? "✗" : counts.passed > 0 ? "✓" : "–";
    console.log(
      `${mark} ${name.padEnd(16)}${toSeconds(ms).padStart(8)}  ${describeCounts(counts)}${note && `  (${note})`}`,
    );
  }
}

const wanted = process.argv.slice(2);
const layers = LAYERS.filter((layer) => wanted.length === 0 || wanted.includes(layer.name));
const reports: LayerReport[] = [];
for (const layer of layers) reports.push(await runLayer(layer));
printReport(reports);
const total = addCounts(reports.map((report) => report.counts));
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
console.log(describeCounts(total));
