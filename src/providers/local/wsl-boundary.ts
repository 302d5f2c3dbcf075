import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import type { Readable } from "node:stream";
import type { Call } from "../../core/call.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { superviseCommand, type Supervision, toControlLine } from "../posix/supervise.ts";
import { createNonce } from "../posix/trailer-filter.ts";
import { type Boundary, type FullCommand, type Run, WHY_NO_TERMINAL } from "./boundary.ts";
import { INSIDE_UID, toBwrapArguments } from "./bwrap-arguments.ts";
import type { WslMachine } from "./check-wsl.ts";
import { limitCommand } from "./limit-script.ts";
import { INSIDE, listOwnMounts, SCRIPT_PATHS, toEtcFiles } from "./sandbox-folder.ts";
import type { SandboxRecord } from "./sandbox-record.ts";
import type { Spawned } from "./spawn-run.ts";
import { ANNOUNCE, CREATE, IS_FULL, KILL, REMOVE, RUN, TELL } from "./wsl-scripts.ts";
import { explainWslFailure, runInWsl, spawnInWsl, toScript } from "./wsl.ts";

/** The named pipe that {@link RUN} opens; nothing but stdin, stdout and stderr comes through wsl.exe. */
const CONTROL_FD = 3;
const STARTED = Buffer.from("started\n");
const PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/** Makes the sandbox's folders in the distribution, and on Windows the folder for its record. */
export async function prepareInWsl(
  machine: WslMachine,
  record: SandboxRecord,
  folder: string,
  call: Call,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  call.signal.throwIfAborted();
  const files = Object.entries(toEtcFiles(INSIDE_UID)).flat();
  const answer = await runInWsl(machine.host, toScript(CREATE, [toInner(machine, record), ...files]));
  if (!answer.stdout.includes("sandpiper end")) throw explainWslFailure(answer);
}

/** Namespaces by bubblewrap in WSL 2, with what the sandbox holds in the distribution's own file system. */
export function createWslBoundary(record: SandboxRecord, machine: WslMachine): Boundary {
  const folder = toInner(machine, record);
  return {
    places: INSIDE,
    ...(machine.hasPerl ? {} : { whyNoTerminal: WHY_NO_TERMINAL }),
    start: async (command) => {
      const run: RunPlan = { folder, path: `${folder}/runs/${randomUUID()}`, nonce: createNonce() };
      const spawned = await spawnInWsl(machine.host, ["/bin/sh", `${folder}/enter.sh`]);
      const order = toOrder(command, run, { record, machine });
      spawned.stdin.write(`${Buffer.from(order).toString("base64")}\n`);
      await waitForStart(spawned);
      return toRun(spawned, run, { record, machine });
    },
    remove: async () => {
      const answer = await runInWsl(machine.host, toScript(REMOVE, [folder]));
      if (answer.code !== 0) throw explainWslFailure(answer);
    },
  };
}

interface RunPlan {
  readonly folder: string;
  /** Of the run's files, without an extension. */
  readonly path: string;
  readonly nonce: string;
}

interface About {
  readonly record: SandboxRecord;
  readonly machine: WslMachine;
}

function toInner(machine: WslMachine, record: SandboxRecord): string {
  return `${machine.state}/${record.id}`;
}

function toOrder(command: FullCommand, { folder, path, nonce }: RunPlan, { record, machine }: About): string {
  const { spec } = record;
  const options = toBwrapArguments({
    mounts: [...machine.listSystemMounts(spec.network), ...listOwnMounts(folder)],
    network: spec.network,
    env: { PATH, ...command.env },
    hostname: "sandbox",
    memoryMiB: spec.memoryMiB,
    canDisableUserNamespaces: machine.canDisableUserNamespaces,
  });
  const streams: Supervision = machine.hasPerl
    ? { stdio: command.pty ?? "pipes" }
    : { pidFile: `${INSIDE.private}/run-${randomUUID()}` };
  const supervision = { controlFd: CONTROL_FD, cwd: command.cwd, ...streams };
  const announced = [
    "/bin/sh",
    "-c",
    ANNOUNCE,
    "sandpiper",
    ...superviseCommand(command.argv, supervision, SCRIPT_PATHS),
  ];
  const argv = limitCommand(announced, { spec, limitsMemory: false, script: SCRIPT_PATHS.limit });
  // Ends it in time even when nobody on Windows is left to do it.
  const seconds = Math.max(1, Math.ceil((Date.parse(record.expiresAt) - Date.now()) / 1000));
  const packed = Buffer.from(options.map((option) => `${option}\0`).join("")).toString("base64");
  const name = path.slice(path.lastIndexOf("/") + 1);
  return toScript(RUN, [folder, name, nonce, String(seconds), String(spec.diskMiB), packed, machine.bwrap, ...argv]);
}

function toRun(spawned: Spawned, { path, nonce }: RunPlan, { record, machine }: About): Run {
  const script = async (text: string, ...args: string[]): Promise<number | null> => {
    const { code } = await runInWsl(machine.host, toScript(text, [path, ...args]));
    return code;
  };
  return {
    ...spawned,
    nonce,
    tell: async (request) => void (await script(TELL, toControlLine(request).trimEnd())),
    kill: () => {
      // The end of wsl.exe is not surely the end of what it started.
      void script(KILL)
        .catch(() => {})
        .finally(() => spawned.child.kill("SIGKILL"));
    },
    whyEnded: async () =>
      (await script(IS_FULL)) === 0
        ? `The sandbox's files grew over their limit of ${record.spec.diskMiB} MiB. Write less, or raise the limit (setting sandpiper.diskMiB).`
        : undefined,
    dispose: () => void spawned.stdin.destroy(),
  };
}

/** Takes the first line off stdout. @throws {SandboxError} with what was said instead of it */
async function waitForStart(spawned: Spawned): Promise<void> {
  const { stdout } = spawned;
  let head: Buffer = Buffer.alloc(0);
  while (head.length < STARTED.length) {
    const chunk = await readChunk(stdout);
    if (!chunk) break;
    head = Buffer.concat([head, chunk]);
  }
  if (head.subarray(0, STARTED.length).equals(STARTED)) {
    if (head.length > STARTED.length) stdout.unshift(head.subarray(STARTED.length));
    return;
  }
  spawned.stdin.destroy();
  let stderr = "";
  for await (const chunk of spawned.stderr) stderr += String(chunk);
  await spawned.gone;
  const { exitCode: code } = spawned.child;
  if (/runs: .*(No such|can't cd)|enter\.sh/.test(stderr))
    throw new SandboxError("not-found", "The local sandbox is gone from WSL. Start a new session.");
  throw explainWslFailure({ code, stdout: head.toString("utf8"), stderr });
}

async function readChunk(stream: Readable): Promise<Buffer | undefined> {
  for (;;) {
    const chunk: unknown = stream.read();
    if (Buffer.isBuffer(chunk)) return chunk;
    if (stream.readableEnded || stream.destroyed) return undefined;
    await Promise.race([once(stream, "readable"), once(stream, "end"), once(stream, "close")]);
  }
}
