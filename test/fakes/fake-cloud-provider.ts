import { randomUUID } from "node:crypto";
import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Call } from "../../src/core/call.ts";
import type { SandboxSpec, SandboxSummary } from "../../src/core/provider.ts";
import { SandboxError } from "../../src/core/sandbox-error.ts";
import type { Sandbox, SavedState } from "../../src/core/sandbox.ts";
import { FakeProvider } from "./fake-provider.ts";

/** A fake provider that keeps workspaces and images, opens ports and pauses; what it keeps are copies of folders. */
export class FakeCloudProvider extends FakeProvider {
  savedStatePlace = "fake/main";
  /** What it keeps: id -> when it forgets that. */
  readonly saved = new Map<string, Date>();
  /** Sandbox -> image. */
  readonly exitImages = new Map<string, string>();
  readonly images: string[] = [];
  /** Those that paused by themselves: sandbox -> what it is kept as. */
  readonly autoPaused = new Map<string, string>();
  /** Labels of what is paused, by what it is kept as. */
  readonly #pausedSpecs = new Map<string, SandboxSpec>();

  async deleteSaved(id: string): Promise<void> {
    await this.onStep("delete-saved");
    this.saved.delete(id);
    this.#pausedSpecs.delete(id);
    await rm(this.#folderOf(id), { recursive: true, force: true });
  }

  async findExitImage(sandboxId: string): Promise<SavedState | undefined> {
    const id = this.exitImages.get(sandboxId);
    return id === undefined ? undefined : { id };
  }

  async findPaused(sandboxId: string): Promise<SavedState | undefined> {
    await this.onStep("find-paused");
    const id = this.autoPaused.get(sandboxId);
    return id === undefined ? undefined : { id };
  }

  /** Does to a sandbox what happens at its end where the target asked for that. */
  async pauseByItself(sandboxId: string): Promise<void> {
    const books = this.sandboxes.get(sandboxId);
    if (!books) throw new Error("There is no such sandbox.");
    const { id } = await this.#keep(join(books.folder, "workspace"), 60 * 60_000);
    this.#pausedSpecs.set(id, books.spec);
    this.autoPaused.set(sandboxId, id);
    await this.lose(sandboxId);
  }

  /** What is paused is listed as well. */
  override async *list(): AsyncIterable<SandboxSummary> {
    yield* super.list();
    for (const [id, { name, labels }] of this.#pausedSpecs)
      yield { id, name, labels, createdAt: new Date(), running: false };
  }

  async resume(pausedId: string, spec: SandboxSpec, call: Call): Promise<Sandbox> {
    await this.onStep("resume");
    if (!this.saved.has(pausedId)) throw new SandboxError("not-found", "What was paused has expired.");
    this.#pausedSpecs.delete(pausedId);
    return await this.revive(this.#folderOf(pausedId), spec, call);
  }

  /** The folder that it keeps under that id. */
  folderOf(id: string): string {
    return this.#folderOf(id);
  }

  protected override extend(sandbox: Sandbox): Sandbox {
    const { workspace } = sandbox;
    return Object.assign(sandbox, {
      directorySnapshots: {
        save: async (ttlMs: number) => {
          await this.onStep("save");
          return await this.#keep(workspace, ttlMs);
        },
        mount: async (id: string) => {
          await this.onStep("mount");
          if (!this.saved.has(id)) throw new SandboxError("not-found", "It has expired.");
          await copy(this.#folderOf(id), workspace);
        },
      },
      images: {
        save: async (ttlMs: number) => {
          const id = `im-${this.images.length}`;
          this.images.push(id);
          return { id, expiresAt: new Date(Date.now() + ttlMs) };
        },
      },
      ports: { open: async (port: number) => ({ url: `https://${port}.example`, token: "secret" }) },
      pause: async (call: Call) => {
        await this.onStep("pause");
        const spec = this.sandboxes.get(sandbox.id)?.spec;
        const state = await this.#keep(workspace, 60 * 60_000);
        if (spec) this.#pausedSpecs.set(state.id, spec);
        await sandbox.destroy(call);
        return state;
      },
    });
  }

  async #keep(workspace: string, ttlMs: number): Promise<SavedState> {
    const id = randomUUID();
    const expiresAt = new Date(Date.now() + ttlMs);
    await mkdir(join(this.root, "..", "saved"), { recursive: true });
    await copy(workspace, this.#folderOf(id));
    this.saved.set(id, expiresAt);
    return { id, expiresAt };
  }

  #folderOf(id: string): string {
    return join(this.root, "..", "saved", id);
  }
}

async function copy(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
}
