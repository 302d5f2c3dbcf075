import { randomBytes } from "node:crypto";
import { mkdir, rename } from "node:fs/promises";
import path from "node:path";
import { type Machine, startMachine } from "../shared/machine.ts";
import { prepareRoot, toUserId } from "../shared/root-folder.ts";
import type { Spawner } from "../shared/spawner.ts";
import { copyLiveTree, copyTree, removeTree } from "../shared/trees.ts";
import { ApiError } from "./api-error.ts";
import { HOSTNAME, type Source, toBaseEnv } from "./image-builder.ts";
import { Lifetimes } from "./lifetimes.ts";
import type { CreateSandbox, Intervals, NetworkSettings, Resources, SandboxClass, SandboxState } from "./messages.ts";
import { BILLED, checkState } from "./sandbox-states.ts";
import { Toolbox } from "./toolbox.ts";

/** What a sandbox is made from. */
export interface SandboxParts {
  readonly id: string;
  readonly name: string;
  readonly create: CreateSandbox;
  readonly sandboxClass: SandboxClass;
  readonly intervals: Intervals;
  readonly spawner: Spawner;
  /** Its own, for its files and for what its commands print. */
  readonly folder: string;
  /** How long a minute of its intervals lasts. */
  readonly minuteMs: number;
  readonly isInline: boolean;
  /** Hears every change of its state. */
  readonly onState: (sandbox: EmulatedSandbox, before: SandboxState) => void;
}

const USER = "daytona";
const COMMAND_CHARACTERS = 200;
const ENTRYPOINT = ["sleep", "infinity"];
const SOURCE = { source: "DAYTONA_API" } as const;

/** One sandbox from its creation until it is destroyed. What takes time goes on after the call, as the state shows. */
export class EmulatedSandbox {
  readonly parts: SandboxParts;
  readonly createdAt = new Date();
  readonly lifetimes: Lifetimes;
  /** What was started, in order, cut after 200 characters. */
  readonly commands: string[] = [];
  /** Of files that came and went. */
  readonly bytes = { up: 0, down: 0 };
  /** How often a client has said that it is still there. */
  refreshes = 0;
  resources: Resources;
  labels: Readonly<Record<string, string>>;
  network: NetworkSettings;
  isPublic: boolean;
  lastActivityAt = new Date();
  updatedAt = new Date();
  errorReason: string | undefined;
  /** Lets requests through to its ports; another after each start. */
  authToken = newToken();
  /** Signs addresses of files. */
  signingKey = newToken();
  #state: SandboxState;
  #source: Source | undefined;
  #machine: Machine | undefined;
  #toolbox: Toolbox | undefined;
  #change: Promise<void> = Promise.resolve();
  readonly #ended = Promise.withResolvers<void>();
  #billedMs = 0;
  #stateSince = Date.now();

  constructor(parts: SandboxParts, state: SandboxState, resources: Resources) {
    const { create } = parts;
    this.parts = parts;
    this.#state = state;
    this.resources = resources;
    this.labels = create.labels ?? {};
    this.network = create;
    this.isPublic = create.public ?? false;
    this.lifetimes = new Lifetimes(parts.minuteMs, parts.intervals, {
      stop: () => void this.#byItself(() => this.stop()),
      pause: () => void this.#byItself(() => this.pause()),
      archive: () => void this.#byItself(() => this.archive()),
      destroy: () => void this.destroy(),
    });
  }

  get id(): string {
    return this.parts.id;
  }

  get state(): SandboxState {
    return this.#state;
  }

  get isEphemeral(): boolean {
    return this.lifetimes.intervals.autoDelete === 0;
  }

  get hasNetwork(): boolean {
    const { networkBlockAll, networkAllowList, domainAllowList } = this.network;
    return !networkBlockAll && !networkAllowList && !domainAllowList;
  }

  /** How long it has had a machine. */
  get billedSeconds(): number {
    const current = BILLED.has(this.#state) ? Date.now() - this.#stateSince : 0;
    return (this.#billedMs + current) / 1000;
  }

  /** Where `/` is on the host. */
  get root(): string {
    return path.join(this.parts.folder, "root");
  }

  /** Resolves when nothing is under way. */
  get settled(): Promise<void> {
    return this.#change;
  }

  /** What runs commands in it. @throws 400 unless it runs */
  get toolbox(): Toolbox {
    if (this.#toolbox && this.#state !== "paused") return this.#toolbox;
    throw new ApiError(400, "no IP address found. Is the Sandbox started?", { source: "DAYTONA_PROXY" });
  }

  /** Resolves when it is destroyed. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** What runs it. @throws 400 unless it runs */
  async machine(): Promise<Machine> {
    return this.toolbox.parts.machine;
  }

  /** What commands find in it; undefined until it has been built. */
  get source(): Source | undefined {
    return this.#source;
  }

  /** Makes all addresses of files void that have been signed. Returns the new key. */
  rotateSigningKey(): string {
    this.signingKey = newToken();
    return this.signingKey;
  }

  /** A client has called. */
  touch(): void {
    this.lastActivityAt = new Date();
    this.lifetimes.touch();
  }

  /** Its first start. `findSource` builds what it starts from where that is needed. */
  begin(findSource: () => Promise<Source>, failure: string | undefined): void {
    this.#go(async () => {
      if (this.#state === "pending_build") this.#enter("building_snapshot");
      this.#source = await findSource().catch((error: unknown) => {
        this.#fail("build_failed", error);
        return undefined;
      });
      if (!this.#source) return;
      if (this.#state === "building_snapshot") this.#enter("creating");
      await this.#fillRoot(this.#source);
      await this.#boot(failure);
    });
  }

  /** @throws 409, 400 */
  start(failure?: string): void {
    if (this.#state === "started") return;
    checkState(this.#state, ["stopped", "archived", "paused"], "Sandbox is not in valid state");
    const before = this.#state;
    this.#enter(before === "paused" ? "resuming" : before === "archived" ? "restoring" : "starting");
    if (before !== "paused") this.authToken = newToken();
    this.#go(async () => {
      if (before === "archived") await rename(`${this.root}.archive`, this.root);
      if (before === "archived") this.#enter("starting");
      if (before === "paused") await this.#machine?.thaw();
      if (before === "paused") this.#enter("started");
      else await this.#boot(failure);
    });
  }

  /** Ends all processes and keeps the files; an ephemeral one is destroyed. @throws 409, 400 */
  stop(): void {
    checkState(this.#state, ["started", "paused"], "Sandbox is not in a stoppable state");
    if (this.isEphemeral) return void this.destroy();
    this.#enter("stopping");
    this.#go(async () => {
      await this.#shutDown();
      this.#enter("stopped");
    });
  }

  /** Keeps processes as they are. @throws 409, 400, 422 for a container */
  pause(): void {
    checkState(this.#state, ["started"], "Sandbox must be in started state to pause");
    if (this.parts.sandboxClass === "container") {
      throw new ApiError(422, "Pausing is not supported for this sandbox", SOURCE);
    }
    this.#enter("pausing");
    this.#go(async () => {
      await this.#machine?.freeze();
      this.#enter("paused");
    });
  }

  /** @throws 409, 400 */
  archive(): void {
    checkState(this.#state, ["stopped"], "Sandbox is not stopped");
    this.#enter("archiving");
    this.#go(async () => {
      await rename(this.root, `${this.root}.archive`);
      this.#enter("archived");
    });
  }

  /** @throws 409, 400 */
  resize(wanted: Partial<Pick<Resources, "cpu" | "memory" | "disk">>): void {
    checkState(this.#state, ["started", "stopped"], "Sandbox must be in started or stopped state to resize");
    const before = this.#state;
    const grownDisk = (wanted.disk ?? 0) > this.resources.disk;
    if (grownDisk && before !== "stopped") throw new ApiError(400, "Disk can only be resized when stopped", SOURCE);
    this.#enter("resizing");
    this.#go(() => {
      this.resources = { ...this.resources, ...wanted };
      this.#enter(before);
      return Promise.resolve();
    });
  }

  /** Copies its files while its state is "snapshotting". @throws 409, 400 */
  snapshot(to: string, onEnd: (error: unknown) => void): void {
    const refusal = "Sandbox must be in started or stopped state to create a snapshot";
    checkState(this.#state, ["started", "stopped"], refusal);
    const before = this.#state;
    this.#enter("snapshotting");
    this.#go(async () => {
      await mkdir(to, { recursive: true });
      await copyLiveTree(this.parts.spawner, this.root, to).then(() => onEnd(undefined), onEnd);
      this.#enter(before);
    });
  }

  /** @throws 409 while a client's other order is under way */
  delete(): void {
    if (this.#state === "error" || this.#state === "build_failed") return void this.destroy();
    const any: SandboxState[] = ["started", "stopped", "paused", "archived"];
    checkState(this.#state, any, "Sandbox is not in valid state");
    void this.destroy();
  }

  /** Ends it whatever its state is. */
  async destroy(): Promise<void> {
    if (this.#state === "destroying" || this.#state === "destroyed") return this.#change;
    await this.#change;
    if (this.state === "destroying" || this.state === "destroyed") return this.#change;
    this.#enter("destroying");
    this.#go(async () => {
      await this.#shutDown();
      await removeTree(this.parts.spawner, this.parts.folder);
      this.#enter("destroyed");
      this.#ended.resolve();
    });
    await this.#change;
  }

  #go(work: () => Promise<void>): void {
    this.#change = work().catch((error: unknown) => this.#fail("error", error));
  }

  /** What is to happen by itself does not when something else is under way. */
  async #byItself(act: () => void): Promise<void> {
    await this.#change;
    try {
      act();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  #enter(state: SandboxState): void {
    const before = this.#state;
    const now = Date.now();
    if (BILLED.has(before)) this.#billedMs += now - this.#stateSince;
    this.#stateSince = now;
    this.#state = state;
    this.updatedAt = new Date(now);
    this.lifetimes.enter(state);
    this.parts.onState(this, before);
  }

  #fail(state: "error" | "build_failed", error: unknown): void {
    this.errorReason = error instanceof Error ? error.message : String(error);
    this.#enter(state);
  }

  async #fillRoot({ files, surroundings }: Source): Promise<void> {
    await mkdir(this.root, { recursive: true });
    await mkdir(path.join(this.parts.folder, "spool"), { recursive: true });
    if (files !== undefined) await copyTree(this.parts.spawner, files, this.root);
    prepareRoot(this.root, { hostname: HOSTNAME, userName: USER });
    await mkdir(path.join(this.root, surroundings.workdir), { recursive: true });
  }

  async #boot(failure: string | undefined): Promise<void> {
    if (failure !== undefined) throw new Error(failure);
    const { surroundings } = this.#source ?? {};
    if (!surroundings) throw new Error("There is nothing to start from.");
    const env = { ...toBaseEnv(surroundings.user), ...surroundings.env, ...this.parts.create.env };
    this.#machine = await startMachine({
      spawner: this.parts.spawner,
      root: this.root,
      hostname: HOSTNAME,
      hasNetwork: this.hasNetwork,
      entrypoint: ENTRYPOINT,
      env,
      workdir: "/",
    });
    this.#toolbox = new Toolbox({
      machine: this.#machine,
      env: { ...env, DAYTONA_SANDBOX_ID: this.id },
      workdir: surroundings.workdir,
      home: env["HOME"] ?? "/root",
      userId: toUserId(surroundings.user, USER),
      spoolFolder: path.join(this.parts.folder, "spool"),
      isInline: this.parts.isInline,
      onCommand: (command) => this.commands.push(command.slice(0, COMMAND_CHARACTERS)),
    });
    this.touch();
    this.#enter("started");
  }

  async #shutDown(): Promise<void> {
    const [machine, toolbox] = [this.#machine, this.#toolbox];
    this.#machine = undefined;
    this.#toolbox = undefined;
    await machine?.destroy();
    toolbox?.close();
  }
}

function newToken(): string {
  return randomBytes(16).toString("hex");
}
