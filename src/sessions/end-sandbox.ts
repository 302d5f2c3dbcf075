import { type Call, toCleanupCall } from "../core/call.ts";
import type { Provider } from "../core/provider.ts";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import type { Sandbox } from "../core/sandbox.ts";
import { asksForAutoPause } from "./auto-pause.ts";
import { createLiveSession, type LiveSession } from "./live-session.ts";
import type { SessionRecord, Target } from "./records.ts";
import { readSessionFiles } from "./session-files.ts";
import { type StateFolder, toSessionFolder } from "./state-folder.ts";

/** What ending what a session has at its provider needs. */
export interface EndSandboxDeps {
  readonly state: StateFolder;
  readonly loadProvider: (target: Target) => Promise<Provider>;
  /** The sandbox is there until this resolves. Never rejects. */
  readonly onWillEnd: (session: LiveSession, cause: "destroy") => Promise<void>;
}

/**
 * Destroys the session's sandbox, or gives up what is kept of a paused one.
 * @param live when this engine holds the sandbox
 */
export async function endSandbox(
  deps: EndSandboxDeps,
  { record, live }: { readonly record: SessionRecord; readonly live: LiveSession | undefined },
  call: Call,
): Promise<void> {
  const provider = await deps.loadProvider(record.target);
  if (record.pausedId !== undefined) return await deletePaused(provider, record, toCleanupCall(call));
  const sandbox = live?.sandbox ?? (await connect(provider, record, call));
  if (!sandbox) return await deleteAutoPaused(provider, record, toCleanupCall(call));
  const session = live ?? (await toLiveSession(deps, record, sandbox));
  // Of a batch's nothing is kept.
  if (session && record.batchId === undefined) await deps.onWillEnd(session, "destroy");
  await sandbox.destroy(call);
}

// It may have paused by itself.
async function deleteAutoPaused(provider: Provider, { target, sandboxId }: SessionRecord, call: Call): Promise<void> {
  if (asksForAutoPause(target)) await deletePaused(provider, { pausedId: sandboxId }, call);
}

/**
 * Gives up what is kept of a paused sandbox. Some providers keep it until somebody does, others for a time alone.
 * @throws {SandboxError} when it may still be there, and can be given up later
 */
export async function deletePaused(
  provider: Provider,
  { pausedId }: { readonly pausedId?: string | undefined },
  call: Call,
): Promise<void> {
  try {
    if (pausedId !== undefined) await provider.deleteSaved?.(pausedId, call);
  } catch (error) {
    if (!isFinal(error)) throw error;
    call.logger.debug(`A paused sandbox stays at its provider until it expires: ${toMessage(error)}`);
  }
}

function isFinal(error: unknown): boolean {
  return error instanceof SandboxError && ["invalid", "unsupported", "not-found"].includes(error.code);
}

async function connect(provider: Provider, { sandboxId }: SessionRecord, call: Call): Promise<Sandbox | undefined> {
  try {
    return await provider.connect(sandboxId ?? "", call);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

// What the sandbox holds is worth a look only when it is known what it held.
async function toLiveSession(
  { state }: EndSandboxDeps,
  record: SessionRecord,
  sandbox: Sandbox,
): Promise<LiveSession | undefined> {
  const files = await readSessionFiles(toSessionFolder(state, record.id)).catch(() => undefined);
  return files && createLiveSession(record, sandbox, files);
}

/** Whether an error says that the sandbox is no more. */
export function isGone(error: unknown): boolean {
  return error instanceof SandboxError && error.code === "not-found";
}
