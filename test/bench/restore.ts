import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_MAX_FILE_MIB, DEFAULT_TARGET } from "../../src/sessions/default-target.ts";
import type { Target } from "../../src/sessions/records.ts";
import { makeTempFolder, removeFolder } from "../rig/temp-folder.ts";
import { type BenchDocker, startBenchDocker } from "./bench-docker.ts";
import { type BenchEngine, startBenchEngine } from "./bench-engine.ts";
import { ensureTree, listFiles, type Tree } from "./generate-tree.ts";
import type { Row, Section } from "./section.ts";
import { measureInTurn, type Subject } from "./statistics.ts";
import { timeShell } from "./time-process.ts";

const EDITED = 10;

/** Bringing a warm session to another snapshot. */
export async function benchRestore(rounds: number): Promise<Section> {
  const docker = await startBenchDocker();
  const engine = await startBenchEngine();
  const folder = makeTempFolder();
  const rows: Row[] = [];
  try {
    for (const size of ["medium", "large"] as const) {
      const tree = await ensureTree(size);
      const archive = join(folder, `${size}.tar`);
      await timeShell(`tar -C '${tree.root}' --exclude=./.git -cf '${archive}' .`);
      rows.push(...(await measureLocal({ engine, tree, archive }, folder, rounds)));
      if (typeof docker !== "string") rows.push(...(await measureDocker({ engine, tree, archive }, docker, rounds)));
      await ensureTree(size);
    }
  } finally {
    await engine.stop();
    if (typeof docker !== "string") await docker.stop();
    removeFolder(folder);
  }
  return {
    title: "A snapshot restored into a warm session",
    how: `Two snapshots that differ in ${EDITED} files, restored in turn into one session; what its sandbox holds is looked at and kept in a snapshot first, as always. The others: \`tar -x\` of the whole tree over itself, in a like place; and \`docker commit\`, which only keeps.`,
    rows,
    notes: typeof docker === "string" ? [`Docker was not measured: ${docker}.`] : [],
  };
}

interface Scene {
  readonly engine: BenchEngine;
  readonly tree: Tree;
  readonly archive: string;
}

async function measureLocal(scene: Scene, folder: string, rounds: number): Promise<readonly Row[]> {
  const place = join(folder, `${scene.tree.size}-local`);
  mkdirSync(place);
  const others = [["tar -x", () => timeShell(`tar -C '${place}' -xf '${scene.archive}'`)] as const];
  return await measure(scene, { what: "local", target: DEFAULT_TARGET, others }, rounds);
}

async function measureDocker(scene: Scene, docker: BenchDocker, rounds: number): Promise<readonly Row[]> {
  const container = await docker.run();
  const commit = `${docker.command} commit ${container} sandpiper-bench:restore`;
  const untar = `${docker.command} exec -i ${container} tar -C /tree -xf - < '${scene.archive}'`;
  const others = [
    ["tar -x over docker exec", () => timeShell(untar)] as const,
    ["docker commit", () => timeShell(commit)] as const,
  ];
  const rows = await measure(scene, { what: "docker", target: docker.target, others }, rounds);
  await timeShell(`${docker.command} image rm --force sandpiper-bench:restore`);
  await docker.remove(container);
  return rows;
}

interface Place {
  readonly what: string;
  readonly target: Target;
  readonly others: readonly (readonly [string, Subject])[];
}

async function measure(
  { engine: bench, tree }: Scene,
  { what, target, others }: Place,
  rounds: number,
): Promise<readonly Row[]> {
  const { engine } = bench;
  await bench.timeRun({ workspaceRoot: tree.root, target, command: { kind: "line", line: "echo warm" } });
  const session = (await engine.listSessions()).find(
    (one) => one.state === "ready" && one.target.providerId === target.providerId && one.workspaceRoot === tree.root,
  );
  if (!session) throw new Error("There is no warm session.");
  const source = {
    kind: "workspace",
    workspaceRoot: tree.root,
    overlays: [],
    maxFileMiB: DEFAULT_MAX_FILE_MIB,
  } as const;
  const snapshots = [await engine.takeSnapshot(source, "first")];
  for (const path of listFiles(tree.size).slice(0, EDITED)) appendFileSync(join(tree.root, path), `// ${what}\n`);
  snapshots.push(await engine.takeSnapshot(source, "second"));
  let turn = 0;
  const restore = async (): Promise<number> => {
    const snapshot = snapshots[turn++ % 2];
    const startedAt = performance.now();
    await engine.restoreSession(snapshot?.id ?? "", target, session.id);
    return performance.now() - startedAt;
  };
  const [ours = [], ...theirs] = await measureInTurn([restore, ...others.map(([, subject]) => subject)], rounds);
  return others.map(([name], index) => ({
    what: `${what}, ${tree.fileCount} files`,
    unit: "ms",
    ours,
    theirs: { name, values: theirs[index] ?? [] },
    target: name.startsWith("tar") ? "0.3×" : undefined,
  }));
}
