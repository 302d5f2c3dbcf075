import { randomUUID } from "node:crypto";
import { DEFAULT_TARGET } from "../../src/sessions/default-target.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { createDockerProvider } from "../../src/providers/docker/docker-provider.ts";
import { TEST_IMAGE } from "../rig/docker/test-image.ts";
import { type BenchDocker, startBenchDocker } from "./bench-docker.ts";
import { ensureTree, type Tree } from "./generate-tree.ts";
import { packCold } from "./pack.ts";
import type { Row, Section } from "./section.ts";
import { measureInTurn, medianOf } from "./statistics.ts";
import { timeShell } from "./time-process.ts";

const TITLE = "Cold: a whole tree into a fresh container";
const HOW =
  "Sandpiper: a container is made, the tree is scanned and hashed without a cache, packed and unpacked in there. The other: `docker run` of the same image, then `docker cp` of the folder.";

export async function benchContainer(rounds: number): Promise<Section> {
  const docker = await startBenchDocker();
  if (typeof docker === "string") return { title: TITLE, how: HOW, rows: [], notes: [`Not measured: ${docker}.`] };
  try {
    const rows: Row[] = [];
    const notes: string[] = [];
    for (const size of ["small", "medium", "large"] as const) {
      const tree = await ensureTree(size);
      const [ourMakes, theirMakes]: [number[], number[]] = [[], []];
      const [ours = [], values = []] = await measureInTurn(
        [() => timeOurs(docker, tree, ourMakes), () => timeCopy(docker, tree, theirMakes)],
        rounds,
      );
      rows.push({
        what: `${tree.fileCount} files`,
        unit: "ms",
        ours,
        theirs: { name: "docker run, docker cp", values },
        target: "0.5×",
      });
      notes.push(
        `Making the container is ${medianOf(ourMakes).toFixed(0)} ms of ours and ${medianOf(theirMakes).toFixed(0)} ms of theirs with ${tree.fileCount} files.`,
      );
    }
    return { title: TITLE, how: HOW, rows, notes };
  } finally {
    await docker.stop();
  }
}

async function timeOurs({ host }: BenchDocker, tree: Tree, makes: number[]): Promise<number> {
  const call = { signal: AbortSignal.timeout(120_000), logger: silentLogger };
  const provider = createDockerProvider({ host }, { stateFolder: "/nonexistent", env: {}, platform: process.platform });
  const startedAt = performance.now();
  const { network, memoryMiB, cpus, maxProcesses, diskMiB, lifetimeMs } = DEFAULT_TARGET;
  const limits = { network, memoryMiB, cpus, maxProcesses, diskMiB, lifetimeMs };
  const spec = { name: `bench-${randomUUID().slice(0, 8)}`, labels: { suite: "bench" }, image: TEST_IMAGE, env: {} };
  const sandbox = await provider.create({ ...spec, ...limits }, call);
  makes.push(performance.now() - startedAt);
  try {
    await packCold(tree, undefined, (tar) => sandbox.apply({ deletes: [], tar }, call));
    return performance.now() - startedAt;
  } finally {
    await sandbox.destroy(call);
  }
}

async function timeCopy(docker: BenchDocker, tree: Tree, makes: number[]): Promise<number> {
  const startedAt = performance.now();
  const container = await docker.run();
  makes.push(performance.now() - startedAt);
  try {
    // All but .git is in there.
    await timeShell(`${docker.command} cp '${tree.root}/src' ${container}:/tree/`);
    return performance.now() - startedAt;
  } finally {
    await docker.remove(container);
  }
}
