import { mkdir } from "node:fs/promises";
import path from "node:path";
import { ServerError, Status } from "nice-grpc";
import { Exec } from "./exec.ts";
import type { ImageStore } from "./images.ts";
import { type Machine, prepareRoot, startMachine } from "./machine.ts";
import type { ExecStart, NetworkAccess, SandboxCreate, SandboxDefinition } from "./messages.ts";
import { OutputSpool } from "./output-spool.ts";
import { copyTree, removeTree } from "./trees.ts";

/** `modal.client.GenericResult`. Status 1 is success, 2 failure, 3 terminated, 4 timeout, 7 idle timeout. */
export interface SandboxResult {
  readonly status: number;
  readonly exitcode: number;
  readonly exception: string;
}

/** What a sandbox is made from. */
export interface SandboxParts {
  readonly id: string;
  readonly taskId: string;
  readonly create: SandboxCreate & { readonly definition: SandboxDefinition };
  /** Variables of its image, its secrets and its definition. */
  readonly env: Readonly<Record<string, string>>;
  readonly images: ImageStore;
  /** Its own, made when its first command starts. */
  readonly folder: string;
  readonly createdAt: number;
}

export const TERMINATED: SandboxResult = { status: 3, exitcode: 137, exception: "" };
const TIMED_OUT: SandboxResult = { status: 4, exitcode: 124, exception: "Sandbox timed out" };
const IDLE: SandboxResult = { status: 7, exitcode: 0, exception: "Sandbox was idle for too long" };
const DEFAULT_ENTRYPOINT = ["sleep", "infinity"];
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** One sandbox from its creation on; a bare record until something is to run in it. */
export class EmulatedSandbox {
  readonly id: string;
  readonly taskId: string;
  readonly create: SandboxParts["create"];
  /** Seconds since 1970. */
  readonly createdAt: number;
  readonly env: Readonly<Record<string, string>>;
  tags: SandboxCreate["tags"];
  name: string | undefined;
  network: NetworkAccess | undefined;
  /** False while no machine with its GPU is free. */
  isScheduled = false;
  /** Seconds since 1970; undefined while it lives. */
  endedAt: number | undefined;
  result: SandboxResult | undefined;
  /** The image that was saved at its end, when it was to. */
  exitImageId: string | undefined;
  /** By path: the folder below `mounts` that takes what is written over a mounted image. */
  readonly mounts = new Map<string, string>();
  readonly execs = new Map<string, Exec>();
  readonly stdout: OutputSpool;
  readonly stderr: OutputSpool;
  readonly #ended = Promise.withResolvers<SandboxResult>();
  readonly #parts: SandboxParts;
  #machine: Promise<Machine> | undefined;
  #lifetime: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #running = 0;

  constructor(parts: SandboxParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.taskId = parts.taskId;
    this.create = parts.create;
    this.createdAt = parts.createdAt;
    this.env = parts.env;
    this.tags = parts.create.tags;
    this.name = parts.create.definition.name;
    this.network = parts.create.definition.networkAccess;
    this.stdout = new OutputSpool(path.join(parts.folder, "stdout"));
    this.stderr = new OutputSpool(path.join(parts.folder, "stderr"));
  }

  get definition(): SandboxDefinition {
    return this.create.definition;
  }

  /** Resolves at its end, when nothing of it runs and an exit snapshot has been taken. */
  get ended(): Promise<SandboxResult> {
    return this.#ended.promise;
  }

  /** It has got its machine: its time counts from now on, and an entry point of its own starts. */
  schedule(): void {
    if (this.isScheduled || this.result) return;
    this.isScheduled = true;
    this.#lifetime = setTimeout(() => void this.end(TIMED_OUT), this.definition.timeoutSecs * 1000);
    this.#watchIdleness();
    if (this.definition.entrypointArgs.length > 0) void this.machine();
  }

  /** What runs its commands, started at the first call. */
  machine(): Promise<Machine> {
    if (this.result) throw new ServerError(Status.NOT_FOUND, `Task ${this.taskId} has finished.`);
    this.#machine ??= this.#start();
    return this.#machine;
  }

  async exec(start: ExecStart): Promise<void> {
    if (this.execs.has(start.execId)) return;
    const machine = await this.machine();
    const spool = (name: string) => new OutputSpool(path.join(this.#parts.folder, `${start.execId}.${name}`));
    const process = machine.start({
      argv: start.commandArgs,
      env: { ...this.env, ...this.#parts.images.toEnv(start.secretSources) },
      workdir: start.workdir ?? this.#workdir(),
    });
    const exec = new Exec({
      machine,
      process,
      stdout: spool("stdout"),
      stderr: spool("stderr"),
      timeoutMs: start.timeoutSecs ? start.timeoutSecs * 1000 : undefined,
    });
    this.execs.set(start.execId, exec);
    this.#count(1);
    void exec.ended.then(() => this.#count(-1));
  }

  /** Ends it once; later calls wait for the first. */
  async end(result: SandboxResult): Promise<SandboxResult> {
    if (this.result) return this.ended;
    this.result = result;
    this.endedAt = Date.now() / 1000;
    clearTimeout(this.#lifetime);
    clearTimeout(this.#idle);
    await this.#machine?.then((machine) => machine.destroy()).catch(() => {});
    if (this.definition.experimentalOptionsV2["enable_exit_snapshot"] === "true") {
      this.exitImageId = await this.saveFilesystem(undefined);
    }
    for (const exec of this.execs.values()) exec.dispose();
    await removeTree(this.#parts.folder);
    this.#ended.resolve(result);
    return result;
  }

  /** Saves `/` without what is mounted over it, as an image. */
  async saveFilesystem(ttlSeconds: number | undefined): Promise<string> {
    if (!this.#machine) await this.#fillRoot();
    return this.#parts.images.save({
      ttlSeconds,
      base: this.definition.imageId,
      fill: (folder) => copyTree(path.join(this.#parts.folder, "root"), folder),
    });
  }

  async #start(): Promise<Machine> {
    await this.#fillRoot();
    const machine = await startMachine({
      places: { folder: this.#parts.folder, images: this.#parts.images.folder },
      hasNetwork: this.network?.networkAccessType === 1,
      entrypoint: this.definition.entrypointArgs.length > 0 ? this.definition.entrypointArgs : DEFAULT_ENTRYPOINT,
      env: this.env,
      workdir: this.#workdir(),
    });
    for (const [from, to] of [
      [machine.entrypoint.stdout, this.stdout],
      [machine.entrypoint.stderr, this.stderr],
    ] as const) {
      from.on("data", (chunk: Buffer) => to.append(chunk));
      from.once("close", () => to.end());
    }
    void machine.ended.then((exitcode) => this.end({ status: exitcode === 0 ? 1 : 2, exitcode, exception: "" }));
    return machine;
  }

  async #fillRoot(): Promise<void> {
    const root = path.join(this.#parts.folder, "root");
    await mkdir(root, { recursive: true });
    const files = this.#parts.images.filesOf(this.definition.imageId);
    if (files) await copyTree(files, root);
    await prepareRoot(root);
    await mkdir(path.join(root, this.#workdir()), { recursive: true });
  }

  #workdir(): string {
    return this.definition.workdir ?? this.#parts.images.get(this.definition.imageId).workdir;
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

/** The variables that every sandbox has. */
export const BASE_ENV: Readonly<Record<string, string>> = { PATH, HOME: "/root", LANG: "C.UTF-8" };
