import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_TARGET } from "../../src/sessions/default-target.ts";
import { copySample, makeTempFolder, removeFolder } from "../rig/temp-folder.ts";
import { startBenchDocker } from "./bench-docker.ts";
import { type BenchRun, startBenchEngine } from "./bench-engine.ts";
import type { Row, Section } from "./section.ts";
import { measureInTurn } from "./statistics.ts";
import { timeFirstByte } from "./time-process.ts";

const SCRIPT = "first.sh";

/**
 * From asking for a run of a script to the first byte that it prints, in a session that is warm, beside the ways that do
 * less: a plain process, and `docker exec`.
 */
export async function benchFirstByte(rounds: number): Promise<Section> {
  const folder = makeTempFolder();
  const workspaceRoot = copySample(folder);
  writeFileSync(join(workspaceRoot, SCRIPT), "echo first\n");
  const run = { workspaceRoot, command: { kind: "file", path: SCRIPT, args: [] } } as const;
  const docker = await startBenchDocker();
  const engine = await startBenchEngine();
  try {
    const measure = (what: string, theirs: Theirs, ours: BenchRun): Promise<Row> =>
      measureRow({ what, theirs, ours: () => engine.timeRun(ours) }, rounds * 2);
    const plain: Theirs = ["plain process", () => timeFirstByte("sh", [join(workspaceRoot, SCRIPT)])];
    const rows = [await measure("first byte, local", plain, { ...run, target: DEFAULT_TARGET })];
    if (typeof docker !== "string") {
      const exec = ["--host", docker.host, "exec", await docker.run(), "sh", "-c", "echo first"];
      const theirs: Theirs = ["docker exec", () => timeFirstByte("docker", exec)];
      rows.push(await measure("first byte, docker", theirs, { ...run, target: docker.target }));
    }
    return {
      title: "First byte of a small workspace",
      how: "From asking for a run of a script to the first byte that it prints, in a warm session. Sandpiper's time includes the scan of the workspace and the push; the others do less: they run what is there.",
      rows,
      notes: typeof docker === "string" ? [`Docker was not measured: ${docker}.`] : [],
    };
  } finally {
    await engine.stop();
    if (typeof docker !== "string") await docker.stop();
    removeFolder(folder);
  }
}

type Theirs = readonly [name: string, time: () => Promise<number>];

async function measureRow(
  { what, theirs: [name, time], ours: timeOurs }: { what: string; theirs: Theirs; ours: () => Promise<number> },
  rounds: number,
): Promise<Row> {
  const [values = [], ours = []] = await measureInTurn([time, timeOurs], rounds);
  return { what, unit: "ms", ours, theirs: { name, values } };
}
