import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { DEFAULT_TARGET } from "../../src/sessions/default-target.ts";
import type { SessionRecord, Target } from "../../src/sessions/records.ts";
import { startBenchDocker } from "./bench-docker.ts";
import { type BenchEngine, startBenchEngine } from "./bench-engine.ts";
import { ensureTree, type Tree } from "./generate-tree.ts";
import type { Row, Section } from "./section.ts";

const exec = promisify(execFile);
const TITLE = "Round trip: local, Docker, local";
const HOW =
  "The files of a local session restored into a new Docker session, and what that one holds restored into a new local one; twice, as the first time starts everything. The other: nothing, it is the time alone. Names, modes and contents in the last sandbox are compared with the workspace by `find` and `sha256sum`.";
// Runs in the workspace and in the sandbox alike; what a checkout has beside the tree is not in it.
const LIST = `find src -printf '%y %m %p\\n' | sort | sha256sum; find src -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum`;

/** Brings a tree by snapshots from provider to provider and back. @throws when what comes back is not what went */
export async function benchRoundTrip(): Promise<Section> {
  const docker = await startBenchDocker();
  if (typeof docker === "string") return { title: TITLE, how: HOW, rows: [], notes: [`Not measured: ${docker}.`] };
  const bench = await startBenchEngine();
  try {
    const tree = await ensureTree("large");
    const rows: Row[] = [];
    const trips = [await travel(bench, tree, docker.target), await travel(bench, tree, docker.target)];
    const legs = ["local → Docker", "Docker → local"];
    for (const [index, what] of legs.entries())
      rows.push({
        what: `${what}, ${tree.fileCount} files`,
        unit: "ms",
        ours: trips.map((times) => times[index] ?? 0),
      });
    return { title: TITLE, how: HOW, rows, notes: ["Every name, mode and byte came back as it went."] };
  } finally {
    await bench.stop();
    await docker.stop();
  }
}

async function travel(bench: BenchEngine, tree: Tree, away: Target): Promise<readonly number[]> {
  const { engine } = bench;
  const home = await engine.startSession(tree.root, DEFAULT_TARGET);
  await bench.timeRun({
    workspaceRoot: tree.root,
    target: DEFAULT_TARGET,
    command: { kind: "line", line: "echo start" },
  });
  const outward = await move(bench, home, away);
  const back = await move(bench, outward.session, DEFAULT_TARGET);
  const run = {
    workspaceRoot: tree.root,
    target: DEFAULT_TARGET,
    command: { kind: "line", line: LIST },
    pull: false,
  } as const;
  const [there, here] = [await bench.readOutput(run), (await exec("sh", ["-c", LIST], { cwd: tree.root })).stdout];
  if (there !== here) throw new Error(`What came back differs from what went:\n${there}\n${here}`);
  for (const { id } of [home, outward.session, back.session]) await engine.destroySession(id);
  return [outward.ms, back.ms];
}

async function move(
  { engine }: BenchEngine,
  from: SessionRecord,
  target: Target,
): Promise<{ session: SessionRecord; ms: number }> {
  const startedAt = performance.now();
  const snapshot = await engine.takeSnapshot({ kind: "session", sessionId: from.id });
  const session = await engine.restoreSession(snapshot.id, target);
  return { session, ms: performance.now() - startedAt };
}
