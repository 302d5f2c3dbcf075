import { type Call, toCleanupCall } from "../core/call.ts";
import type { Provider } from "../core/provider.ts";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import type { Sandbox } from "../core/sandbox.ts";
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
  if (record.state === "paused") return await forgetPaused(provider, record, call);
  const sandbox = live?.sandbox ?? (await connect(provider, record, call));
  const session = live ?? (sandbox && (await toLiveSession(deps, record, sandbox)));
  // Of a batch's nothing is kept.
  if (session && record.batchId === undefined) await deps.onWillEnd(session, "destroy");
  await sandbox?.destroy(call);
}

// Where the provider does not do that, it expires by itself.
async function forgetPaused(provider: Provider, { pausedId }: SessionRecord, call: Call): Promise<void> {
  if (pausedId === undefined) return;
  await provider
    .deleteSaved?.(pausedId, toCleanupCall(call))
    .catch((error: unknown) => call.logger.debug(`A paused sandbox stays at its provider: ${toMessage(error)}`));
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
