import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { type BenchDocker, installRsync, startBenchDocker } from "./bench-docker.ts";
import { type BenchEngine, startBenchEngine } from "./bench-engine.ts";
import { ensureTree, type Tree } from "./generate-tree.ts";
import type { Row, Section } from "./section.ts";
import { measureInTurn, type Subject } from "./statistics.ts";
import { timeFirstByte, timeShell } from "./time-process.ts";

const TITLE = "One file edited, to the first byte of output";
const HOW =
  "In a warm Docker session. Sandpiper: from asking for a run of `tail` on the edited file to its first byte, so that the scan, the push of the file and the start of the command are in it. The others: `rsync -a --delete` over `docker exec`, or `docker cp` of that one file (somebody has to know which), then `docker exec` of the same command.";

export async function benchEdit(rounds: number): Promise<Section> {
  const docker = await startBenchDocker();
  if (typeof docker === "string") return { title: TITLE, how: HOW, rows: [], notes: [`Not measured: ${docker}.`] };
  const engine = await startBenchEngine();
  try {
    const container = await docker.run();
    const noRsync = await installRsync(docker, container);
    const rows: Row[] = [];
    for (const size of ["small", "medium", "large"] as const) {
      const tree = await ensureTree(size);
      await timeShell(`${docker.command} cp '${tree.root}/src' ${container}:/tree/`);
      rows.push(...(await measureTree({ docker, engine, container, tree, hasRsync: noRsync === undefined }, rounds)));
      await timeShell(`${docker.command} exec ${container} rm -rf /tree/src`);
      await ensureTree(size);
    }
    return {
      title: TITLE,
      how: HOW,
      rows,
      notes: noRsync === undefined ? [] : [`rsync was not measured: ${noRsync}.`],
    };
  } finally {
    await engine.stop();
    await docker.stop();
  }
}

interface Scene {
  readonly docker: BenchDocker;
  readonly engine: BenchEngine;
  readonly container: string;
  readonly tree: Tree;
  readonly hasRsync: boolean;
}

async function measureTree(scene: Scene, rounds: number): Promise<readonly Row[]> {
  const { docker, engine, tree } = scene;
  const argv = ["tail", "-c", "16", tree.file];
  const run = { workspaceRoot: tree.root, target: docker.target, command: { kind: "argv", argv } } as const;
  const copy = `${docker.command} cp '${tree.root}/${tree.file}' ${scene.container}:/tree/${tree.file}`;
  const rsync = `rsync -a --delete --exclude=/.git -e '${docker.command} exec -i' '${tree.root}/' ${scene.container}:/tree/`;
  const others: readonly (readonly [string, Subject])[] = [
    ...(scene.hasRsync ? [["rsync, docker exec", () => timeTheirs(scene, rsync, argv)] as const] : []),
    ["docker cp, docker exec", () => timeTheirs(scene, copy, argv)],
  ];
  let edits = 0;
  const subjects = [() => engine.timeRun(run), ...others.map(([, subject]) => subject)].map((subject) => () => {
    appendFileSync(join(tree.root, tree.file), `// ${edits++}\n`);
    return subject();
  });
  const [ours = [], ...theirs] = await measureInTurn(subjects, rounds);
  return others.map(([name], index) => ({
    what: `${tree.fileCount} files`,
    unit: "ms",
    ours,
    theirs: { name, values: theirs[index] ?? [] },
    target: name.startsWith("rsync") ? "0.1×, 60 ms" : undefined,
  }));
}

async function timeTheirs({ docker, container }: Scene, send: string, argv: readonly string[]): Promise<number> {
  const sendMs = await timeShell(send);
  return (
    sendMs + (await timeFirstByte("docker", ["--host", docker.host, "exec", "--workdir", "/tree", container, ...argv]))
  );
}
