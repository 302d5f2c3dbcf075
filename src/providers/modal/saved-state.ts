import type { Image } from "modal";
import type { Call } from "../../core/call.ts";
import type { DirectorySnapshots, Images, SavedState } from "../../core/sandbox.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import type { Account } from "./account.ts";
import { ROOT } from "./layout.ts";
import type { Machine, Work } from "./machine.ts";
import { runHelper } from "./run-helper.ts";
import { AFTER_MOUNT_COMMAND, toAskSetupCommand } from "./setup-script.ts";
import { isNotFound } from "./to-sandbox-error.ts";

/** The SDK's own 55 s are too little for large trees. */
const SAVE_TIMEOUT_MS = 15 * 60 * 1000;

/** Modal's directory snapshots (https://modal.com/docs/guide/sandbox-snapshots), of the workspace and what is ours beside it. */
export function createDirectorySnapshots(account: Account, machine: Machine, work: Work): DirectorySnapshots {
  const { sandbox } = machine;
  return {
    save: (ttlMs, call) =>
      work(call, async () => {
        const kept = toTtlMs(ttlMs);
        await untilReady(machine, call);
        const savedAt = Date.now();
        const options = { ttlMs: kept, timeoutMs: SAVE_TIMEOUT_MS };
        return toSaved(await abortable(sandbox.snapshotDirectory(ROOT, options), call.signal), savedAt + kept);
      }),
    mount: (id, call) =>
      work(call, async () => {
        const [image] = await Promise.all([findSaved(account, id, call), untilReady(machine, call)]);
        await abortable(sandbox.mountImage(ROOT, image), call.signal);
        // With the marker of the last apply goes its time: until the next one, all counts as touched.
        const said = await runHelper(sandbox, AFTER_MOUNT_COMMAND, call.signal);
        if (!said.includes("mounted"))
          throw new SandboxError("unavailable", "The saved workspace could not be brought back. Start a new session.");
      }),
  };
}

/** The whole file system, as an image that a spec can name. */
export function createImages(machine: Machine, work: Work): Images {
  const { sandbox } = machine;
  return {
    save: (ttlMs, call) =>
      work(call, async () => {
        const kept = toTtlMs(ttlMs);
        await untilReady(machine, call);
        const savedAt = Date.now();
        const options = { ttlMs: kept, timeoutMs: SAVE_TIMEOUT_MS };
        return toSaved(await abortable(sandbox.snapshotFilesystem(options), call.signal), savedAt + kept);
      }),
  };
}

/** Modal refuses to save or mount in a sandbox in which nothing could run yet; and what is mounted hides what set it up. */
async function untilReady({ sandbox, facts }: Machine, { signal }: Call): Promise<void> {
  await runHelper(sandbox, toAskSetupCommand(facts.creation), signal);
}

/** Deletes an image; one that is gone is fine. */
export async function deleteImage({ client }: Account, id: string, { signal }: Call): Promise<void> {
  try {
    await abortable(client.images.delete(id), signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

async function findSaved({ client }: Account, id: string, { signal }: Call): Promise<Image> {
  try {
    return await abortable(client.images.fromId(id), signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new SandboxError("not-found", "Modal no longer has the saved workspace: it has expired or was deleted.");
  }
}

function toTtlMs(ttlMs: number): number {
  if (ttlMs > 0 && Number.isFinite(ttlMs)) return Math.ceil(ttlMs / 1000) * 1000;
  throw new SandboxError("invalid", "What is saved has to be kept for more than 0 s.");
}

function toSaved(image: Image, expiresAtMs: number): SavedState {
  return { id: image.imageId, expiresAt: new Date(expiresAtMs) };
}
