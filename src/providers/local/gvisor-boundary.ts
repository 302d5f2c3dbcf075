import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import type { ProcessSignal, TerminalSize } from "../../core/sandbox.ts";
import { resizeCommand, signalCommand, superviseCommand } from "../posix/supervise.ts";
import { createNonce } from "../posix/trailer-filter.ts";
import { type Boundary, type FullCommand, type Run, WHY_NO_TERMINAL } from "./boundary.ts";
import { type ControlGroups, createControlGroups, joinGroups } from "./control-groups.ts";
import { toOciConfig, toOciProcess, writeBundle } from "./gvisor-bundle.ts";
import { limitCommand } from "./limit-script.ts";
import { listSystemMounts, type Mount } from "./root-mounts.ts";
import { INSIDE, listOwnMounts, SCRIPT_PATHS } from "./sandbox-folder.ts";
import type { SandboxRecord } from "./sandbox-record.ts";
import { spawnApart } from "./spawn-run.ts";
import type { Toolchains } from "./toolchains.ts";

/** What a machine offers to sandboxes behind gVisor. */
export interface GvisorMachine {
  readonly runsc: string;
  readonly toolchains: Toolchains;
}

const run = promisify(execFile);

/** How long a container that was killed may take to be gone. */
const ENDING_MS = 10_000;

/**
 * A container behind gVisor's own kernel. Unlike with bubblewrap it lives as long as the sandbox (starting one takes
 * 0.3 s, a command in it 50 ms) and ends itself with the sandbox's time; gVisor has no limit on processes, and what
 * leaves a command's process group lives on until then.
 */
export function createGvisorBoundary(record: SandboxRecord, folder: string, machine: GvisorMachine): Boundary {
  const container = new GvisorContainer(record, folder, machine);
  const hasPerl = existsSync("/usr/bin/perl");
  return {
    places: INSIDE,
    watchedFolder: folder,
    ...(hasPerl ? {} : { whyNoTerminal: WHY_NO_TERMINAL }),
    start: (command) => container.start(command, hasPerl),
    remove: () => container.remove(),
  };
}

class GvisorContainer {
  readonly #record: SandboxRecord;
  readonly #folder: string;
  readonly #machine: GvisorMachine;
  readonly #groups: ControlGroups;
  #ready: Promise<void> | undefined;

  constructor(record: SandboxRecord, folder: string, machine: GvisorMachine) {
    this.#record = record;
    this.#folder = folder;
    this.#machine = machine;
    const { memoryMiB, cpus } = record.spec;
    // Not its processes: gVisor's own threads would be what is counted, and it dies when it gets none.
    this.#groups = createControlGroups(record.id, { memoryMiB, cpus }, process.getuid?.() ?? -1);
  }

  async start(command: FullCommand, hasPerl: boolean): Promise<Run> {
    await this.#ensureRunning();
    const nonce = createNonce();
    const name = randomUUID();
    const pidFile = `${INSIDE.private}/run-${name}`;
    const supervision = {
      nonce,
      pidFile,
      cwd: command.cwd,
      ...(hasPerl ? { stdio: command.pty ?? ("pipes" as const) } : {}),
    };
    const argv = superviseCommand(command.argv, supervision, SCRIPT_PATHS);
    const limits = { spec: this.#record.spec, limitsMemory: this.#groups.limitsMemory, script: SCRIPT_PATHS.limit };
    const file = this.#writeProcess(name, limitCommand(argv, limits), command.env);
    const spawned = await spawnApart(this.#runsc("exec", "-process", file, this.#record.id), 3);
    return {
      ...spawned,
      nonce,
      pid: spawned.child.pid ?? 0,
      tell: (request) => this.#tell(pidFile, request),
      kill: () => {
        spawned.child.kill("SIGKILL");
        // The end of runsc's client is not the end of what it started.
        void this.#tell(pidFile, "KILL").catch(() => {});
      },
      dispose: () => {
        rmSync(file, { force: true });
        spawned.stdin.destroy();
      },
    };
  }

  async remove(): Promise<void> {
    await this.#attempt("kill", "--all", this.#record.id, "KILL");
    await this.#attempt("delete", "-force", this.#record.id);
    this.#ready = undefined;
    await this.#groups.remove();
  }

  /** A second command signals or resizes: runsc hands on no descriptor but stdin, stdout and stderr. */
  async #tell(pidFile: string, request: ProcessSignal | TerminalSize): Promise<void> {
    const argv = typeof request === "string" ? signalCommand(pidFile, request) : resizeCommand(pidFile, request);
    const name = randomUUID();
    const file = this.#writeProcess(name, argv, {});
    const spawned = await spawnApart(this.#runsc("exec", "-process", file, this.#record.id), 3);
    for (const stream of [spawned.stdout, spawned.stderr]) stream.resume();
    await spawned.gone;
    rmSync(file, { force: true });
  }

  /** In a file of ours: on a command line every user of the machine could read the environment. */
  #writeProcess(name: string, argv: readonly string[], env: Readonly<Record<string, string>>): string {
    const file = join(this.#folder, `process-${name}.json`);
    const path = this.#machine.toolchains.searchPath.join(":");
    writeFileSync(file, JSON.stringify(toOciProcess(argv, { PATH: path, ...env }, this.#record.hostUid)), {
      mode: 0o600,
    });
    return file;
  }

  async #ensureRunning(): Promise<void> {
    if (this.#ready && (await this.#isRunning())) return;
    this.#ready ??= this.#startContainer();
    try {
      await this.#ready;
    } catch (error) {
      this.#ready = undefined;
      throw error;
    }
  }

  async #isRunning(): Promise<boolean> {
    await this.#ready;
    const isRunning = await this.#readState();
    if (!isRunning) this.#ready = undefined;
    return isRunning;
  }

  async #readState(): Promise<boolean> {
    const [program = "", ...args] = this.#runsc("state", this.#record.id);
    return run(program, args).then(
      ({ stdout }) => /"status":\s*"running"/.test(stdout),
      () => false,
    );
  }

  async #startContainer(): Promise<void> {
    if (await this.#readState()) return;
    const bundle = this.#makeBundle();
    const deadline = Date.now() + ENDING_MS;
    for (;;) {
      await this.#attempt("delete", "-force", this.#record.id);
      const failure = await this.#runContainer(bundle);
      if (failure === undefined) return;
      // One that was killed for its memory gives up its socket, which has its name, only when all of it has gone.
      if (!failure.includes("address already in use") || Date.now() > deadline)
        throw new SandboxError("unavailable", `gVisor could not start a sandbox: ${failure}`);
      await sleep(100);
    }
  }

  #makeBundle(): string {
    const { spec } = this.#record;
    const shown = this.#machine.toolchains.paths.map((path): Mount => {
      return { kind: "bind", source: path, at: path, writable: false, reachable: false };
    });
    const mounts = [...listSystemMounts(spec.network), ...listOwnMounts(this.#folder), ...shown];
    const bundle = join(this.#folder, "bundle");
    rmSync(bundle, { recursive: true, force: true });
    mkdirSync(bundle);
    const seconds = (Date.parse(this.#record.expiresAt) - Date.now()) / 1000;
    writeBundle(bundle, toOciConfig(this.#record, mounts, seconds), mounts);
    return bundle;
  }

  /** Resolves with what runsc said last when it failed. */
  async #runContainer(bundle: string): Promise<string | undefined> {
    const start = this.#runsc("run", "--bundle", bundle, "--detach", this.#record.id);
    const spawned = await spawnApart([...joinGroups(this.#groups), ...start], 3);
    let text = "";
    spawned.stderr.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
    spawned.stdout.resume();
    const code = await new Promise<number | null>((resolve) => spawned.child.once("exit", resolve));
    spawned.stdin.destroy();
    return code === 0 ? undefined : (text.trim().split("\n").at(-1) ?? "");
  }

  async #attempt(...args: string[]): Promise<void> {
    const [program = "", ...rest] = this.#runsc(...args);
    await run(program, rest).catch((error: unknown) => toMessage(error));
  }

  #runsc(...args: string[]): string[] {
    const network = this.#record.spec.network === "none" ? "none" : "host";
    return [
      this.#machine.runsc,
      "--root",
      join(this.#folder, "runsc"),
      `--network=${network}`,
      "--ignore-cgroups",
      ...args,
    ];
  }
}
