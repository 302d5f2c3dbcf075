import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { silentLogger } from "../../src/core/logger.ts";
import type { Provider } from "../../src/core/provider.ts";
import { createModalProvider } from "../../src/providers/modal/modal-provider.ts";
import { DEFAULT_TARGET } from "../../src/sessions/default-target.ts";
import type { Target } from "../../src/sessions/records.ts";
import { EMULATOR_TOKEN } from "../emulators/modal/credentials.ts";
import { type ModalServer, startModalServer } from "../rig/modal-server.ts";
import { whyUnmet } from "../rig/needs.ts";
import { makeTempFolder, removeFolder } from "../rig/temp-folder.ts";
import { type BenchEngine, startBenchEngine } from "./bench-engine.ts";
import { type BareModal, openBareModal } from "./bare-modal.ts";
import type { Row, Section } from "./section.ts";
import { measureInTurn, type Subject } from "./statistics.ts";

const TARGET_TEXT = "1.10×";
const TARGET: Target = { ...DEFAULT_TARGET, providerId: "modal" };
/** Node where there is one: sandboxes of the emulator have this machine's /usr. */
const COMMAND = ["sh", "-c", "command -v node >/dev/null && exec node -v; exec python3 --version"];
/** To Modal's nearest data centre and back, at best. */
const ROUND_TRIP_MS = 30;
/** What a sandbox at Modal takes to start is "under 1 second" (https://blaxel.ai/blog/modal-pricing-alternatives-guide, 2026). */
const START_MS = 500;

const TITLE = "Modal: from nothing to the first byte";
const HOW =
  "From asking for a sandbox to the first byte that `node -v` prints in it, on the emulator of Modal that the tests use; sandboxes are alike on both sides, the folder is empty. The emulator starts a sandbox in some 20 ms, which takes Modal far longer: what Sandpiper adds weighs more here than there.";
const NOTES = [
  "The provider makes the same calls to Modal as the bare SDK does: a sandbox is set up by its own first process. What it adds is the start of the supervisor around each command: a shell, then perl, whose start and reading of the script are half of what is added without a network.",
  "A run adds the scan of the folder and its records, which are on the disk before a sandbox is asked for and before the command starts.",
];

/**
 * From asking for a sandbox to the first byte of the first command in it, beside the bare SDK with the same limits on the
 * same emulator: through the provider alone, and as a user's run, through the engine.
 */
export async function benchModal(rounds: number): Promise<Section> {
  const reason = await whyUnmet("bubblewrap");
  if (reason !== undefined) return { title: TITLE, how: HOW, rows: [], notes: [`Not measured: ${reason}.`] };
  const folder = makeTempFolder();
  const server = await startModalServer();
  const bare = await openBareModal(server.url, TARGET);
  const engine = await startBenchEngine({ SANDPIPER_MODAL_SERVER_URL: server.url });
  try {
    await engine.engine.setCredential("modal", { ...EMULATOR_TOKEN });
    const timeTheirs: Subject = () => timeBare(bare);
    const ours: Readonly<Record<string, Subject>> = {
      provider: toProviderSubject(server, folder),
      "a run in a new session": toRunSubject(engine, folder),
    };
    const measure = async (distance: string, target?: string): Promise<readonly Row[]> => {
      const rows: Row[] = [];
      for (const [what, timeOurs] of Object.entries(ours))
        rows.push(await measureRow({ what: `${what}, ${distance}`, timeOurs, timeTheirs, target }, rounds));
      return rows;
    };
    const near = await measure("no network between");
    await delay(server, "*", ROUND_TRIP_MS);
    const far = await measure(`each call ${ROUND_TRIP_MS} ms away`, TARGET_TEXT);
    await server.clearFaults();
    await delay(server, "SandboxCreateV2", ROUND_TRIP_MS + START_MS);
    await delay(server, "*", ROUND_TRIP_MS);
    const starting = await measure(`the same, and a sandbox starts in ${START_MS} ms`, TARGET_TEXT);
    return { title: TITLE, how: HOW, rows: [...near, ...far, ...starting], notes: NOTES };
  } finally {
    await engine.stop();
    bare.close();
    await server.stop();
    removeFolder(folder);
  }
}

async function delay(server: ModalServer, method: string, ms: number): Promise<void> {
  await server.inject({ kind: "delay", method, ms, times: Number.MAX_SAFE_INTEGER });
}

interface Comparison {
  readonly what: string;
  readonly timeOurs: Subject;
  readonly timeTheirs: Subject;
  readonly target: string | undefined;
}

async function measureRow({ what, timeOurs, timeTheirs, target }: Comparison, rounds: number): Promise<Row> {
  const [values = [], ours = []] = await measureInTurn([timeTheirs, timeOurs], rounds);
  return { what, unit: "ms", ours, theirs: { name: "modal@0.11.1 alone", values }, target };
}

async function timeBare(bare: BareModal): Promise<number> {
  const startedAt = performance.now();
  const sandbox = await bare.create();
  const process = await sandbox.exec(COMMAND, { mode: "binary" });
  const reader = process.stdout.getReader();
  await reader.read();
  const ms = performance.now() - startedAt;
  await process.wait();
  await sandbox.terminate();
  sandbox.detach();
  return ms;
}

function toProviderSubject(server: ModalServer, stateFolder: string): Subject {
  const env = { SANDPIPER_MODAL_SERVER_URL: server.url };
  const deps = { stateFolder, env, platform: process.platform, readCredential: () => ({ ...EMULATOR_TOKEN }) };
  const provider = createModalProvider({}, deps);
  return () => timeProvider(provider);
}

async function timeProvider(provider: Provider): Promise<number> {
  const call = { signal: AbortSignal.timeout(60_000), logger: silentLogger };
  const { network, memoryMiB, cpus, maxProcesses, diskMiB, lifetimeMs } = TARGET;
  const limits = { network, memoryMiB, cpus, maxProcesses, diskMiB, lifetimeMs };
  const startedAt = performance.now();
  const sandbox = await provider.create({ name: "bench", labels: { suite: "bench" }, env: {}, ...limits }, call);
  try {
    const process = await sandbox.exec({ argv: COMMAND }, call);
    const output = process.stdout[Symbol.asyncIterator]();
    const drained = drain(process.stderr);
    await output.next();
    const ms = performance.now() - startedAt;
    await drain({ [Symbol.asyncIterator]: () => output });
    await Promise.all([drained, process.exit]);
    return ms;
  } finally {
    await sandbox.destroy(call);
  }
}

async function drain(stream: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of stream);
}

function toRunSubject(engine: BenchEngine, folder: string): Subject {
  const workspaceRoot = join(folder, "workspace");
  mkdirSync(workspaceRoot);
  return async () => {
    const ms = await engine.timeRun({ workspaceRoot, target: TARGET, command: { kind: "argv", argv: COMMAND } });
    await engine.endSessions();
    return ms;
  };
}
