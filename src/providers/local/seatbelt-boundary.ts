import { randomUUID } from "node:crypto";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Call } from "../../core/call.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { toControlLine } from "../posix/supervise.ts";
import { createNonce } from "../posix/trailer-filter.ts";
import type { Boundary, FullCommand, Run } from "./boundary.ts";
import type { SandboxRecord } from "./sandbox-record.ts";
import { toSeatbeltConfig, toSeatbeltEnv } from "./seatbelt.ts";
import { type SeatbeltOrder, toStartScript } from "./seatbelt-order.ts";
import { CONTROL_FD, type Spawned, type Spawner, toDuplex } from "./spawn-run.ts";
import type { Toolchains } from "./toolchains.ts";

/** What a Mac offers to sandboxes. */
export interface SeatbeltMachine {
  readonly spawn: Spawner;
  /** The user's. */
  readonly home: string;
  readonly toolchains: Toolchains;
}

const SANDBOX_EXEC = "/usr/bin/sandbox-exec";

/** Proves that a Seatbelt profile can be applied here. @throws {SandboxError} `unavailable` with what to do; there is no way to run without. */
export async function checkSeatbelt(spawn: Spawner, call: Call): Promise<void> {
  call.signal.throwIfAborted();
  const probe = [SANDBOX_EXEC, "-p", "(version 1)(allow default)", "/usr/bin/true"];
  const spawned = await spawn(probe, 3).catch((cause: unknown) => {
    throw refuse(`${SANDBOX_EXEC} cannot be started`, cause);
  });
  const said = readText(spawned);
  await spawned.gone;
  if (spawned.child.exitCode !== 0) throw refuse((await said) || "it ended without a word");
}

function refuse(said: string, cause?: unknown): SandboxError {
  return new SandboxError(
    "unavailable",
    `Seatbelt cannot make a sandbox here: ${said}. It cannot be used from inside another sandbox: start the editor outside of one, or choose Docker.`,
    { cause },
  );
}

/** Seatbelt by the sandbox runtime, a process for each command. Commands see the host's paths. */
export function createSeatbeltBoundary(record: SandboxRecord, folder: string, machine: SeatbeltMachine): Boundary {
  const plan = { ...machine, folder, network: record.spec.network };
  const config = toSeatbeltConfig(plan);
  const home = join(folder, "home");
  return {
    places: { home, workspace: join(home, "workspace"), private: join(home, ".sandpiper") },
    whyNoTerminal: "Local sandboxes on macOS have no terminals yet. Run without one, or choose Docker.",
    watchedFolder: folder,
    start: async (command) => {
      const script = join(folder, "etc/sandpiper", `start-${randomUUID()}.sh`);
      const own = { PATH: machine.toolchains.searchPath.join(":"), TMPDIR: join(folder, "tmp"), COPYFILE_DISABLE: "1" };
      const full: FullCommand = { ...command, env: { ...own, ...command.env } };
      writeFileSync(script, toStartScript(full, record.spec.diskMiB), { mode: 0o600 });
      try {
        // From a folder with nothing in it that the command may write: below where it is, the runtime forbids
        // to write what could run on the host later, such as .git/hooks.
        const options = { cwd: join(folder, "shown"), env: toSeatbeltEnv(plan) };
        const spawned = await machine.spawn([process.execPath, findRunner()], 4, options);
        return await startOrder(spawned, { config, script, argv: command.argv, nonce: createNonce() });
      } catch (error) {
        rmSync(script, { force: true });
        throw error;
      }
    },
    remove: async () => {},
  };
}

/** The runner's entry beside the sources, or beside the bundle, whose parts are one folder below it. */
function findRunner(): string {
  const places = ["./seatbelt-runner.ts", "../seatbelt-runner.js", "./seatbelt-runner.js"];
  const found = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((file) => existsSync(file));
  if (found) return found;
  throw new SandboxError("unavailable", "Sandpiper's seatbelt-runner.js is missing. Install Sandpiper again.");
}

async function startOrder(spawned: Spawned, order: SeatbeltOrder): Promise<Run> {
  const control = toDuplex(spawned.child, CONTROL_FD);
  control.on("error", () => {});
  control.write(`${JSON.stringify(order)}\n`);
  const answer = await readAnswer(spawned, control);
  const pid = Number(/^started (\d+)$/.exec(answer ?? "")?.[1]);
  if (!pid) {
    control.destroy();
    const said = answer?.replace(/^failed /, "") ?? (await readText(spawned));
    throw new SandboxError("unavailable", `The sandbox could not be entered: ${said || "it ended at once"}.`);
  }
  return {
    ...spawned,
    nonce: order.nonce,
    pid,
    tell: async (request) => void control.write(toControlLine(request)),
    // The command's first process: its runner sees it go, ends the others and tells.
    kill: () => killQuietly(pid),
    dispose: () => {
      for (const stream of [spawned.stdin, control]) stream.destroy();
      rmSync(order.script, { force: true });
    },
  };
}

async function readAnswer(spawned: Spawned, control: NodeJS.ReadableStream): Promise<string | undefined> {
  const lines = createInterface({ input: control });
  const answer = new Promise<string | undefined>((resolve) => {
    lines.once("line", resolve);
    lines.once("close", () => resolve(undefined));
  });
  return Promise.race([answer, spawned.gone.then(() => answer)]);
}

async function readText({ stdout, stderr }: Spawned): Promise<string> {
  stdout.resume();
  let text = "";
  for await (const chunk of stderr) text += String(chunk);
  return text.trim();
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}
