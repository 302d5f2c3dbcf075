import { randomUUID } from "node:crypto";
import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Call } from "../../src/core/call.ts";
import type { SandboxSpec } from "../../src/core/provider.ts";
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

  async deleteSaved(id: string): Promise<void> {
    this.saved.delete(id);
    await rm(this.#folderOf(id), { recursive: true, force: true });
  }

  async findExitImage(sandboxId: string): Promise<SavedState | undefined> {
    const id = this.exitImages.get(sandboxId);
    return id === undefined ? undefined : { id };
  }

  async resume(pausedId: string, spec: SandboxSpec, call: Call): Promise<Sandbox> {
    await this.onStep("resume");
    if (!this.saved.has(pausedId)) throw new SandboxError("not-found", "What was paused has expired.");
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
        const state = await this.#keep(workspace, 60 * 60_000);
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
