import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { type Machine, startMachine } from "../shared/machine.ts";
import type { PortOwner } from "../shared/port-forwards.ts";
import { prepareRoot } from "../shared/root-folder.ts";
import type { Spawner } from "../shared/spawner.ts";
import { copyLiveTree, copyTree, removeTree } from "../shared/trees.ts";
import { ApiError, toNotFound } from "./api-error.ts";
import { ProcessTable } from "./envd/process-table.ts";
import { Contexts } from "./interpreter/contexts.ts";
import { KERNELS, KERNELS_INSIDE } from "./interpreter/places.ts";
import type { NetworkUpdate, NewSandbox, Template } from "./messages.ts";
import { type NetworkKind, toNetworkKind } from "./network.ts";
import { USER, toEnvironment } from "./users.ts";

type SandboxState = "running" | "paused" | "ended";

/** What a sandbox is made from. */
interface SandboxParts {
  readonly id: string;
  readonly template: Template;
  readonly create: NewSandbox;
  /** Whether its daemon wants a token. */
  readonly isSecure: boolean;
  readonly spawner: Spawner;
  /** Its own, made when something is to run in it. */
  readonly folder: string;
}

/** What is to happen with a paused sandbox's memory. */
interface Resuming {
  readonly seconds: number;
  /** Boots from the files alone. */
  readonly isReboot: boolean;
}

const HOSTNAME = "e2b";
const ENTRYPOINT = ["sleep", "infinity"];

/** One sandbox from its creation until it is killed; without processes and files until something is to run in it. */
export class EmulatedSandbox implements PortOwner {
  readonly parts: SandboxParts;
  readonly processes = new ProcessTable();
  readonly contexts: Contexts;
  /** Cut the connections that are open to it; they end when it pauses. */
  readonly connections = new Set<() => void>();
  /** What was started, in order, cut after 200 characters. */
  readonly commands: string[] = [];
  /** On the wire to it and from it, HTTP included. */
  readonly bytes = { in: 0, out: 0 };
  readonly envdToken: string | undefined;
  readonly trafficToken: string | undefined;
  startedAt = new Date();
  endAt = new Date();
  network: NetworkUpdate;
  /** How often it was paused. */
  pauses = 0;
  /** Whether its processes stand still where they were. */
  pausedWithMemory = true;
  #state: SandboxState = "running";
  #settled: Promise<unknown> = Promise.resolve();
  #filled: Promise<void> | undefined;
  #machine: Promise<Machine> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #billedMs = 0;
  readonly #ended = Promise.withResolvers<void>();

  constructor(parts: SandboxParts) {
    this.parts = parts;
    const { network = {}, allow_internet_access: isAllowed } = parts.create;
    this.network = { ...network, ...(isAllowed === undefined ? {} : { allow_internet_access: isAllowed }) };
    this.envdToken = parts.isSecure ? newToken() : undefined;
    this.trafficToken = network.allowPublicTraffic === false ? newToken() : undefined;
    this.contexts = new Contexts(this);
  }

  get id(): string {
    return this.parts.id;
  }

  get state(): SandboxState {
    return this.#state;
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get networkKind(): NetworkKind {
    return toNetworkKind(this.network.allow_internet_access, this.network);
  }

  /** While it ran; nothing while it was paused. */
  get billedSeconds(): number {
    return (this.#billedMs + (this.#state === "running" ? Date.now() - this.startedAt.getTime() : 0)) / 1000;
  }

  /** Takes the files of its template and begins to live. */
  async begin(seconds: number): Promise<void> {
    this.#setEnd(seconds);
    if (this.parts.template.files !== undefined) await this.#fill();
  }

  /** What runs its commands, started at the first call. @throws ApiError 502 when it does not run */
  async machine(): Promise<Machine> {
    if (this.#state !== "running") throw new ApiError(502, "The sandbox was not found");
    this.#machine ??= this.#start();
    return this.#machine;
  }

  /** It lives `seconds` from now. `mayShorten` when that may be earlier than its end was to be. */
  keepAlive(seconds: number, mayShorten: boolean): void {
    this.#checkRunning();
    if (mayShorten || Date.now() + seconds * 1000 > this.endAt.getTime()) this.#setEnd(seconds);
  }

  /** Stops everything where it is, or keeps the files alone. @throws ApiError 409 when it is paused */
  async pause(keepsMemory: boolean): Promise<void> {
    if (this.#state === "paused") {
      throw new ApiError(409, `Error pausing sandbox - sandbox '${this.id}' is already paused`);
    }
    this.#checkRunning();
    this.#stopBilling();
    this.#state = "paused";
    this.pauses += 1;
    this.pausedWithMemory = keepsMemory;
    this.cutConnections();
    this.#settled = keepsMemory ? this.#freeze() : this.#forgetMemory();
    await this.#settled;
  }

  /** Goes on, from where it was or from its files. */
  async resume({ seconds, isReboot }: Resuming): Promise<void> {
    await this.#settled;
    if (this.#state !== "paused") return;
    if (isReboot) await this.#forgetMemory();
    else await (await this.#machine)?.thaw();
    this.#state = "running";
    this.startedAt = new Date();
    this.#setEnd(seconds);
  }

  /** Keeps its files in a folder. It stands still meanwhile, and loses its connections. @throws ApiError 409 when paused */
  async save(folder: string): Promise<void> {
    if (this.#state === "paused") throw new ApiError(409, `Sandbox '${this.id}' cannot be snapshotted while paused`);
    this.#checkRunning();
    this.cutConnections();
    await this.#fill();
    const machine = await this.#machine;
    await machine?.freeze();
    await copyLiveTree(this.parts.spawner, this.root, folder);
    await machine?.thaw();
  }

  /** Ends it for good; its files go too. */
  async kill(): Promise<void> {
    if (this.#state === "ended") return this.ended;
    this.#stopBilling();
    this.#state = "ended";
    this.cutConnections();
    await this.#settled;
    await this.#forgetMemory();
    await this.#filled?.catch(() => {});
    await removeTree(this.parts.spawner, this.parts.folder);
    this.#ended.resolve();
  }

  /** The end of its time has come. */
  async expire(): Promise<void> {
    const { autoPause = false, autoPauseMemory = true } = this.parts.create;
    if (this.#state !== "running") return;
    if (autoPause) await this.pause(autoPauseMemory);
    else await this.kill();
  }

  cutConnections(): void {
    for (const cut of this.connections) cut();
    this.connections.clear();
  }

  /** Its `/` on the host. */
  get root(): string {
    return path.join(this.parts.folder, "root");
  }

  #checkRunning(): void {
    if (this.#state !== "running") throw toNotFound(this.id);
  }

  #setEnd(seconds: number): void {
    clearTimeout(this.#timer);
    this.endAt = new Date(Date.now() + seconds * 1000);
    this.#timer = setTimeout(() => void this.expire(), seconds * 1000);
  }

  #stopBilling(): void {
    clearTimeout(this.#timer);
    this.#billedMs = this.billedSeconds * 1000;
  }

  async #freeze(): Promise<void> {
    await (await this.#machine)?.freeze();
  }

  async #forgetMemory(): Promise<void> {
    const machine = await this.#machine?.catch(() => undefined);
    this.#machine = undefined;
    await machine?.destroy();
    this.processes.clear();
    this.contexts.clear();
  }

  async #start(): Promise<Machine> {
    await this.#fill();
    const machine = await startMachine({
      spawner: this.parts.spawner,
      root: this.root,
      binds: [{ from: KERNELS, to: KERNELS_INSIDE, isReadOnly: true }],
      hostname: HOSTNAME,
      hasNetwork: this.networkKind === "open",
      entrypoint: ENTRYPOINT,
      env: toEnvironment("root", this),
      workdir: "/",
    });
    machine.entrypoint.stdout.resume();
    machine.entrypoint.stderr.resume();
    void machine.ended.then(() => this.#noticeEnd(machine));
    return machine;
  }

  /** Whatever ended the first process inside has ended the sandbox. */
  async #noticeEnd(machine: Machine): Promise<void> {
    if (this.#state === "running" && (await this.#machine) === machine) await this.kill();
  }

  #fill(): Promise<void> {
    this.#filled ??= this.#fillRoot();
    return this.#filled;
  }

  async #fillRoot(): Promise<void> {
    const { template, spawner } = this.parts;
    await mkdir(this.root, { recursive: true });
    if (template.files !== undefined) await copyTree(spawner, template.files, this.root);
    // Made here, so that everybody may enter it.
    await mkdir(path.join(this.root, KERNELS_INSIDE), { recursive: true });
    prepareRoot(this.root, { hostname: HOSTNAME, userName: USER });
  }
}

function newToken(): string {
  return randomBytes(24).toString("hex");
}
