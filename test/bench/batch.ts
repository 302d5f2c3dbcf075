import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BatchRecord } from "../../src/sessions/cloud-records.ts";
import { DEFAULT_TARGET } from "../../src/sessions/default-target.ts";
import type { Target } from "../../src/sessions/records.ts";
import { EMULATOR_TOKEN } from "../emulators/modal/credentials.ts";
import { type ModalServer, startModalServer } from "../rig/modal-server.ts";
import { copySample, makeTempFolder, removeFolder } from "../rig/temp-folder.ts";
import { type BenchEngine, startBenchEngine, toBenchRequest } from "./bench-engine.ts";
import type { Row, Section } from "./section.ts";

const COUNTS = [100, 1000];
const CONCURRENCY = 50;
/** Enough that a list of files per sandbox would show in the engine's memory. */
const FILES = 2000;
const TARGET: Target = { ...DEFAULT_TARGET, providerId: "modal" };
const COMMAND = "echo $SANDPIPER_INDEX; echo $SANDPIPER_INDEX > result-$SANDPIPER_INDEX.txt";

/** A batch of many sandboxes: how long it takes, and what the engine's process needs at most; once each, as it takes minutes. */
export async function benchBatch(): Promise<Section> {
  const rows: Row[] = [];
  const notes: string[] = [];
  for (const count of COUNTS) {
    const { ms, peakKb, note } = await measure(count);
    rows.push({ what: `${count} sandboxes, all of it`, unit: "ms", ours: [ms] });
    rows.push({ what: `${count} sandboxes, the engine's peak memory`, unit: "KB", ours: [peakKb] });
    notes.push(note);
  }
  return {
    title: "Many sandboxes at once",
    how: `A batch that runs a command in each sandbox, which prints a line and leaves a file to bring back, ${CONCURRENCY} at once, of a workspace of ${FILES} files, on the emulator of Modal that the tests use. Emulator, its sandboxes and engine share this machine. The memory is the most that the engine's process has had resident since its start; it is a new one for each row.`,
    rows,
    notes,
  };
}

async function measure(count: number): Promise<{ ms: number; peakKb: number; note: string }> {
  const folder = makeTempFolder();
  const server = await startModalServer();
  const engine = await startBenchEngine({ SANDPIPER_MODAL_SERVER_URL: server.url });
  try {
    await engine.engine.setCredential("modal", { ...EMULATOR_TOKEN });
    const workspaceRoot = copySample(folder);
    for (let file = 0; file < FILES; file++) writeFileSync(join(workspaceRoot, `data-${file}.txt`), `${file}\n`);
    const startedAt = performance.now();
    const batch = await runBatch(engine, workspaceRoot, count);
    const ms = performance.now() - startedAt;
    if (batch.succeeded !== count)
      throw new Error(`Only ${batch.succeeded} of ${count} succeeded: ${batch.error ?? ""}`);
    return { ms, peakKb: engine.readPeakKb(), note: await describeBooks(server, count) };
  } finally {
    await engine.stop();
    await server.stop();
    removeFolder(folder);
  }
}

async function runBatch({ engine }: BenchEngine, workspaceRoot: string, count: number): Promise<BatchRecord> {
  const ended = new Promise<BatchRecord>((resolve) => {
    engine.onDidChange((event) => {
      if (event.type === "batch" && event.batch.state === "ended") resolve(event.batch);
    });
  });
  const command = { kind: "line", line: COMMAND } as const;
  await engine.startBatch(toBenchRequest({ workspaceRoot, target: TARGET, command }), {
    count,
    concurrency: CONCURRENCY,
  });
  return await ended;
}

/** What the emulator knows of them afterwards. */
async function describeBooks(server: ModalServer, count: number): Promise<string> {
  const sandboxes = await server.readSandboxes();
  const leaked = sandboxes.filter(({ isAlive }) => isAlive).length;
  if (leaked > 0) throw new Error(`${leaked} of ${sandboxes.length} sandboxes were left behind.`);
  return `${count} sandboxes: the emulator's books have ${sandboxes.length} created, ${sandboxes.length} ended, none left.`;
}
