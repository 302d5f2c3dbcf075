import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Readable, Readable as ReadableStream } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Call } from "../../src/core/call.ts";
import type { GpuTier, Progress, Provider, SandboxSpec, SandboxSummary } from "../../src/core/provider.ts";
import { SandboxError } from "../../src/core/sandbox-error.ts";
import type {
  Command,
  Delta,
  ExitStatus,
  Process,
  ProcessSignal,
  Sandbox,
  WorkspaceListing,
} from "../../src/core/sandbox.ts";
import { checkWorkspacePath } from "../../src/core/workspace-path.ts";

/** A step of a sandbox's life that can be made to fail or to wait. */
export type FaultPoint =
  | "save"
  | "mount"
  | "pause"
  | "resume"
  | "find-paused"
  | "delete-saved"
  | "create"
  | "create-answer"
  | "connect"
  | "apply"
  | "exec"
  | "list"
  | "collect"
  | "destroy";

interface Books {
  readonly spec: SandboxSpec;
  readonly folder: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/**
 * A provider for tests that isolates nothing: each sandbox is a folder, its commands are processes of this machine. It
 * keeps books, so that a test can prove that nothing leaked, and can be made to fail at every step.
 */
export class FakeProvider implements Provider {
  readonly id = "local";
  readonly title = "Fake";
  readonly boundary = "namespaces";
  readonly root: string;
  /** Those that exist now. */
  readonly sandboxes = new Map<string, Books>();
  readonly createdSpecs: SandboxSpec[] = [];
  /** Called at a step; what it throws fails the step. */
  onStep: (step: FaultPoint) => void | Promise<void> = () => undefined;
  /** By sandbox: what ends each command in it. */
  readonly running = new Map<string, Set<() => void>>();
  /** What each `apply` was given. */
  readonly applied: { readonly deletes: readonly string[]; readonly hasTar: boolean; readonly tarBytes: number }[] = [];

  /** Finds what a provider that died left in `root`. */
  constructor(root: string) {
    this.root = root;
    const ids = existsSync(root) ? readdirSync(root) : [];
    for (const id of ids) {
      const books = readBooks(join(root, id));
      if (books) this.sandboxes.set(id, books);
    }
  }

  async check(): Promise<void> {
    // It always works.
  }

  async gpuTiers(): Promise<readonly GpuTier[]> {
    return [];
  }

  async create(spec: SandboxSpec, call: Call, progress?: Progress): Promise<Sandbox> {
    await this.onStep("create");
    call.signal.throwIfAborted();
    progress?.("Making a folder");
    const id = randomUUID();
    const folder = join(this.root, id);
    await mkdir(join(folder, "workspace"), { recursive: true });
    const createdAt = new Date();
    const books = { spec, folder, createdAt, expiresAt: new Date(createdAt.getTime() + spec.lifetimeMs) };
    await writeFile(join(folder, "books.json"), JSON.stringify(books));
    this.sandboxes.set(id, books);
    this.createdSpecs.push(spec);
    await this.onStep("create-answer");
    return this.#open(id);
  }

  async connect(id: string, call: Call): Promise<Sandbox> {
    call.signal.throwIfAborted();
    await this.onStep("connect");
    if (!this.sandboxes.has(id)) throw new SandboxError("not-found", "That sandbox is gone.");
    return this.#open(id);
  }

  async *list(): AsyncIterable<SandboxSummary> {
    for (const [id, { spec, createdAt, expiresAt }] of this.sandboxes) {
      yield { id, name: spec.name, labels: spec.labels, createdAt, expiresAt, running: true };
    }
  }

  /** Makes a sandbox disappear with all that runs in it, as one does whose machine dies. */
  async lose(id: string): Promise<void> {
    const books = this.sandboxes.get(id);
    this.sandboxes.delete(id);
    for (const kill of this.running.get(id) ?? []) kill();
    this.running.delete(id);
    if (books) await rm(books.folder, { recursive: true, force: true });
  }

  #open(id: string): Sandbox {
    const books = this.sandboxes.get(id);
    if (!books) throw new SandboxError("not-found", "That sandbox is gone.");
    return this.extend(new FakeSandbox(id, books, this));
  }

  /** Gives a sandbox what not every provider has. */
  protected extend(sandbox: Sandbox): Sandbox {
    return sandbox;
  }

  /** A sandbox again, in a copy of that workspace's folder. */
  protected async revive(workspace: string, spec: SandboxSpec, call: Call): Promise<Sandbox> {
    const sandbox = await this.create(spec, call);
    await rm(sandbox.workspace, { recursive: true });
    await cp(workspace, sandbox.workspace, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    return sandbox;
  }
}

function readBooks(folder: string): Books | undefined {
  const file = join(folder, "books.json");
  if (!existsSync(file)) return undefined;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `create`
  return JSON.parse(readFileSync(file, "utf8"), reviveDates) as Books;
}

function reviveDates(key: string, value: unknown): unknown {
  return key.endsWith("At") ? new Date(String(value)) : value;
}

class FakeSandbox implements Sandbox {
  readonly id: string;
  readonly workspace: string;
  readonly expiresAt: Date;
  readonly #provider: FakeProvider;
  readonly #marker: string;

  constructor(id: string, books: Books, provider: FakeProvider) {
    this.id = id;
    this.workspace = join(books.folder, "workspace");
    this.expiresAt = books.expiresAt;
    this.#provider = provider;
    this.#marker = join(books.folder, "applied");
  }

  async exec(command: Command, call: Call): Promise<Process> {
    await this.#step("exec", call);
    const [program = "", ...args] = command.argv;
    const child = spawn(program, args, {
      cwd: join(this.workspace, command.cwd ?? "."),
      env: { PATH: process.env["PATH"], HOME: this.workspace, ...command.env },
      detached: true,
      stdio: "pipe",
    });
    const started = toProcess(child, call.signal);
    const kills = this.#provider.running.get(this.id) ?? new Set();
    this.#provider.running.set(this.id, kills);
    const kill = (): void => void started.signal("KILL");
    kills.add(kill);
    return { ...started, exit: this.#toExit(started.exit, () => kills.delete(kill)) };
  }

  async #toExit(exit: Promise<ExitStatus>, onDidEnd: () => void): Promise<ExitStatus> {
    const status = await exit;
    onDidEnd();
    return this.#provider.sandboxes.has(this.id) ? status : { kind: "lost", reason: "The sandbox was destroyed." };
  }

  async apply(delta: Delta, call: Call): Promise<void> {
    await this.#step("apply", call);
    for (const path of delta.deletes)
      await rm(join(this.workspace, checkWorkspacePath(path)), { recursive: true, force: true });
    let tarBytes = 0;
    if (delta.tar) {
      const counted = async function* (tar: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
        for await (const piece of tar) {
          tarBytes += piece.length;
          yield piece;
        }
      };
      const tar = spawn("tar", ["-x", "-C", this.workspace], { stdio: ["pipe", "ignore", "inherit"] });
      await pipeline(ReadableStream.from(counted(delta.tar)), tar.stdin);
      await ended(tar);
    }
    await writeFile(this.#marker, "");
    this.#provider.applied.push({ deletes: delta.deletes, hasTar: delta.tar !== undefined, tarBytes });
  }

  async list(call: Call): Promise<WorkspaceListing> {
    await this.#step("list", call);
    const paths = await readdir(this.workspace, { recursive: true });
    const appliedAt = (await stat(this.#marker).catch(() => undefined))?.ctimeMs ?? 0;
    const touched: string[] = [];
    for (const path of paths) {
      const stats = await stat(join(this.workspace, path)).catch(() => undefined);
      if (!stats || stats.ctimeMs >= appliedAt) touched.push(path);
    }
    return { paths, touched };
  }

  async *collect(paths: readonly string[], call: Call): AsyncIterable<Uint8Array> {
    await this.#step("collect", call);
    const args = [
      "-c",
      "--no-recursion",
      "--format=pax",
      "--ignore-failed-read",
      "-C",
      this.workspace,
      "--null",
      "-T",
      "-",
    ];
    const tar = spawn("tar", args, { stdio: ["pipe", "pipe", "ignore"] });
    tar.stdin.end(paths.map((path) => `${path}\0`).join(""));
    yield* bytesOf(tar.stdout);
  }

  async destroy(call: Call): Promise<void> {
    call.signal.throwIfAborted();
    await this.#provider.onStep("destroy");
    await this.#provider.lose(this.id);
  }

  async #step(step: FaultPoint, call: Call): Promise<void> {
    call.signal.throwIfAborted();
    await this.#provider.onStep(step);
    call.signal.throwIfAborted();
    if (!this.#provider.sandboxes.has(this.id)) throw new SandboxError("not-found", "That sandbox is gone.");
  }
}

function toProcess(child: ChildProcess, signal: AbortSignal): Process {
  const exit = new Promise<ExitStatus>((resolve) => {
    child.once("error", () => resolve({ kind: "exited", code: 127 }));
    child.once("close", (code, name) =>
      resolve(name ? { kind: "signaled", signal: name } : { kind: "exited", code: code ?? 0 }),
    );
  });
  const kill = (name: ProcessSignal): void => {
    try {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, `SIG${name}`);
    } catch {
      // It has ended.
    }
  };
  signal.addEventListener("abort", () => kill("KILL"), { once: true });
  child.stdin?.on("error", () => undefined);
  return {
    stdout: bytesOf(child.stdout),
    stderr: bytesOf(child.stderr),
    write: (data) => new Promise((resolve) => (child.stdin ? child.stdin.write(data, () => resolve()) : resolve())),
    closeStdin: async () => void child.stdin?.end(),
    signal: async (name) => kill(name),
    resize: async () => undefined,
    exit,
  };
}

async function* bytesOf(stream: Readable | null): AsyncIterable<Uint8Array> {
  if (!stream) return;
  for await (const chunk of stream) if (chunk instanceof Uint8Array) yield chunk;
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`tar ended with ${code}`))));
  });
}
