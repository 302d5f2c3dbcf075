import { mkdir } from "node:fs/promises";
import path from "node:path";
import { ServerError, Status } from "nice-grpc";
import { toStand } from "./commands.ts";
import { Exec } from "./exec.ts";
import type { ImageStore, Surroundings } from "./images.ts";
import { type Machine, startMachine } from "../shared/machine.ts";
import { prepareRoot } from "../shared/root-folder.ts";
import { HOSTNAME, toBinds } from "./places.ts";
import type { ExecStart, NetworkAccess, SandboxCreate, SandboxDefinition } from "./messages.ts";
import { OutputSpool, spool } from "../shared/output-spool.ts";
import type { Spawner } from "../shared/spawner.ts";
import { copyLiveTree, copyTree, removeTree } from "../shared/trees.ts";

/** `modal.client.GenericResult`. Status 1 is success, 2 failure, 3 terminated, 4 timeout, 7 idle timeout. */
export interface SandboxResult {
  readonly status: number;
  readonly exitcode: number;
  readonly exception: string;
}

/** What a sandbox is made from. */
interface SandboxParts {
  readonly id: string;
  readonly taskId: string;
  readonly backEnd: "v1" | "v2";
  readonly create: SandboxCreate & { readonly definition: SandboxDefinition };
  /** Its image's, which may be gone by the time that they are wanted. */
  readonly surroundings: Surroundings;
  /** The folder with its image's files, if it has any. */
  readonly files: string | undefined;
  /** Variables of its image, its secrets and its definition. */
  readonly env: Readonly<Record<string, string>>;
  readonly images: ImageStore;
  readonly spawner: Spawner;
  /** Its own, made when something is to run in it. */
  readonly folder: string;
  /** Seconds since 1970. */
  readonly createdAt: number;
}

export const TERMINATED: SandboxResult = { status: 3, exitcode: 137, exception: "" };
export const TIMED_OUT: SandboxResult = { status: 4, exitcode: 124, exception: "Sandbox timed out" };
const IDLE: SandboxResult = { status: 7, exitcode: 0, exception: "Sandbox was idle for too long" };
const BROKEN: SandboxResult = { status: 5, exitcode: 1, exception: "Sandbox could not start" };
const DEFAULT_ENTRYPOINT = ["sleep", "infinity"];
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** The variables that every sandbox has. */
export const BASE_ENV: Readonly<Record<string, string>> = { PATH, HOME: "/root", LANG: "C.UTF-8", SHELL: "/bin/sh" };
const COMMAND_CHARACTERS = 200;

/** One sandbox from its creation on; a bare record until something is to run in it. */
export class EmulatedSandbox {
  readonly parts: SandboxParts;
  tags: SandboxCreate["tags"];
  name: string | undefined;
  network: NetworkAccess | undefined;
  /** Seconds since 1970; undefined while no machine with its GPU is free. */
  scheduledAt: number | undefined;
  result: SandboxResult | undefined;
  /** The image that was saved at its end, when it was to and could. */
  exitImageId: string | undefined;
  /** In the order in which they were mounted; the image's id is "" for an empty folder. */
  readonly mounts: { readonly directory: string; readonly imageId: string }[] = [];
  readonly execs = new Map<string, Exec>();
  /** What was started, in order, cut after 200 characters. */
  readonly commands: string[] = [];
  /** All that came in as commands' input. */
  stdinBytes = 0;
  /** The entry point's. */
  readonly stdout: OutputSpool;
  readonly stderr: OutputSpool;
  readonly #starting = new Map<string, Promise<void>>();
  readonly #ended = Promise.withResolvers<SandboxResult>();
  #endedAt: number | undefined;
  #machine: Promise<Machine> | undefined;
  #lifetime: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #running = 0;

  constructor(parts: SandboxParts) {
    this.parts = parts;
    this.tags = parts.create.tags;
    this.name = parts.create.definition.name;
    this.network = parts.create.definition.networkAccess;
    parts.images.hold(parts.create.definition.imageId);
    this.stdout = new OutputSpool(path.join(parts.folder, "stdout"));
    this.stderr = new OutputSpool(path.join(parts.folder, "stderr"));
  }

  get id(): string {
    return this.parts.id;
  }

  get definition(): SandboxDefinition {
    return this.parts.create.definition;
  }

  /** Resolves at its end, when nothing of it runs and an exit snapshot has been taken. */
  get ended(): Promise<SandboxResult> {
    return this.#ended.promise;
  }

  /** From its machine on, until its end or until now. */
  get billedSeconds(): number {
    return this.scheduledAt === undefined ? 0 : (this.#endedAt ?? toSeconds()) - this.scheduledAt;
  }

  /** It has got its machine: its time counts from now on, and an entry point of its own starts. */
  schedule(): void {
    if (this.scheduledAt !== undefined || this.result) return;
    this.scheduledAt = toSeconds();
    this.#lifetime = setTimeout(() => void this.end(TIMED_OUT), this.definition.timeoutSecs * 1000);
    this.#watchIdleness();
    if (this.definition.entrypointArgs.length > 0) this.machine().catch(() => this.end(BROKEN));
  }

  /** What runs its commands, started at the first call. @throws NOT_FOUND after its end */
  async machine(): Promise<Machine> {
    if (this.result) throw new ServerError(Status.NOT_FOUND, `Task ${this.parts.taskId} has finished.`);
    this.#machine ??= this.#start();
    return this.#machine;
  }

  /** Starts a command; one whose id is known already is not started again. */
  exec(start: ExecStart): Promise<void> {
    const starting = this.#starting.get(start.execId) ?? this.#exec(start);
    this.#starting.set(start.execId, starting);
    return starting;
  }

  async #exec(start: ExecStart): Promise<void> {
    const machine = await this.machine();
    const { argv, toOutput } = toStand(start);
    const terminal: Record<string, string> = start.ptyInfo ? { TERM: start.ptyInfo.envTerm } : {};
    const process = await machine.start({
      argv,
      env: { ...this.parts.env, ...terminal, ...this.parts.images.toEnv(start.secretSources) },
      workdir: start.workdir ?? this.#workdir(),
    });
    const exec = new Exec({
      machine,
      process,
      stdout: this.#spool(start.execId, "stdout", start.stdoutConfig),
      stderr: this.#spool(start.execId, "stderr", start.stderrConfig),
      timeoutMs: start.timeoutSecs ? start.timeoutSecs * 1000 : undefined,
      toOutput,
      onInput: (bytes) => {
        this.stdinBytes += bytes;
      },
    });
    if (this.result) exec.dispose();
    else this.execs.set(start.execId, exec);
    this.commands.push(start.commandArgs.join(" ").slice(0, COMMAND_CHARACTERS));
    this.#count(1);
    void exec.ended.then(() => this.#count(-1));
  }

  /** Ends it once; later calls wait for the first. */
  async end(result: SandboxResult): Promise<void> {
    if (this.result) return void (await this.ended);
    this.result = result;
    this.#endedAt = toSeconds();
    clearTimeout(this.#lifetime);
    clearTimeout(this.#idle);
    await this.#machine?.then((machine) => machine.destroy()).catch(() => {});
    if (this.definition.experimentalOptionsV2["enable_exit_snapshot"] === "true") {
      this.exitImageId = await this.saveFilesystem(undefined).catch(() => undefined);
    }
    for (const exec of this.execs.values()) exec.dispose();
    this.execs.clear();
    this.stdout.dispose();
    this.stderr.dispose();
    await removeTree(this.parts.spawner, this.parts.folder);
    for (const imageId of [this.definition.imageId, ...this.mounts.map((mount) => mount.imageId)]) {
      await this.parts.images.release(imageId);
    }
    this.#ended.resolve(result);
  }

  /** Saves `/` as an image, without what is mounted over it; which of both Modal does is not documented. Returns its id. */
  async saveFilesystem(ttlSeconds: number | undefined): Promise<string> {
    const root = path.join(this.parts.folder, "root");
    await (this.#machine ?? this.#fillRoot());
    return this.parts.images.save({
      kind: "saved",
      ttlSeconds,
      inherited: this.parts.surroundings,
      fill: (folder) => copyLiveTree(this.parts.spawner, root, folder),
    });
  }

  async #start(): Promise<Machine> {
    await this.#fillRoot();
    const { entrypointArgs } = this.definition;
    const machine = await startMachine({
      spawner: this.parts.spawner,
      root: path.join(this.parts.folder, "root"),
      binds: toBinds(this.parts.folder, this.parts.images.folder),
      hostname: HOSTNAME,
      hasNetwork: this.network?.networkAccessType === 1,
      entrypoint: entrypointArgs.length > 0 ? entrypointArgs : DEFAULT_ENTRYPOINT,
      env: this.parts.env,
      workdir: this.#workdir(),
    });
    spool(machine.entrypoint.stdout, this.stdout);
    spool(machine.entrypoint.stderr, this.stderr);
    void machine.ended.then((exitcode) => this.end({ status: exitcode === 0 ? 1 : 2, exitcode, exception: "" }));
    return machine;
  }

  async #fillRoot(): Promise<void> {
    const root = path.join(this.parts.folder, "root");
    await mkdir(root, { recursive: true });
    if (this.parts.files !== undefined) await copyTree(this.parts.spawner, this.parts.files, root);
    prepareRoot(root, { hostname: HOSTNAME });
    await mkdir(path.join(root, this.#workdir()), { recursive: true });
  }

  #workdir(): string {
    return this.definition.workdir ?? this.parts.surroundings.workdir;
  }

  #spool(execId: string, name: string, config: number): OutputSpool | undefined {
    return config === 0 ? undefined : new OutputSpool(path.join(this.parts.folder, `${execId}.${name}`));
  }

  #count(by: number): void {
    this.#running += by;
    this.#watchIdleness();
  }

  #watchIdleness(): void {
    clearTimeout(this.#idle);
    const seconds = this.definition.idleTimeoutSecs;
    if (!seconds || this.#running > 0 || this.result) return;
    this.#idle = setTimeout(() => void this.end(IDLE), seconds * 1000);
  }
}

function toSeconds(): number {
  return Date.now() / 1000;
}
