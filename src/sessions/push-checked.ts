import { type Call, toCleanupCall } from "../core/call.ts";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import { toDisplay } from "../core/workspace-path.ts";
import { toManifest } from "../snapshots/manifest.ts";
import { toSecretsError } from "./blocked-upload.ts";
import type { LiveSession } from "./live-session.ts";
import { type Push, type PushRequest, pushWorkspace } from "./push.ts";
import type { RunRequest } from "./records.ts";
import { checkUpload, findUnallowed, type UploadCheckDeps } from "./upload-check.ts";

/**
 * Pushes what the request allows to be sent. What changed between the check and the reading that it was sent by is
 * checked afterwards, before anything is run: when that is not allowed it is taken out of the sandbox again.
 * @throws {BlockedUploadError} then, or before anything was sent
 */
export async function pushChecked(
  deps: UploadCheckDeps,
  session: LiveSession,
  { run, push }: { readonly run: RunRequest; readonly push: Omit<PushRequest, "onWillSend"> },
  call: Call,
): Promise<Push> {
  const { workspaceRoot, extra, overlays } = push;
  const onWillSend = async (paths: readonly string[]): Promise<void> => {
    const sent = new Set(paths);
    const texts = [...overlays.filter(({ path }) => sent.has(path)), ...(extra ? [extra] : [])];
    await checkUpload(deps, { workspaceRoot, manifest: push.local, paths, overlays: texts }, run, call);
  };
  const pushed = await pushWorkspace(session.sandbox, session.files, { ...push, onWillSend }, call);
  if (pushed.updates.size > 0 && run.allowedSecrets !== "all") await checkUpdates(deps, session, { run, pushed }, call);
  return pushed;
}

async function checkUpdates(
  deps: UploadCheckDeps,
  session: LiveSession,
  { run, pushed }: { readonly run: RunRequest; readonly pushed: Push },
  call: Call,
): Promise<void> {
  // What was sent may have changed on disk once more: then the store alone has it.
  await pushed.kept;
  const manifest = toManifest([...pushed.updates].flatMap(([path, entry]) => (entry ? [[path, entry] as const] : [])));
  const upload = { workspaceRoot: run.workspaceRoot, manifest, paths: [...manifest.keys()], overlays: [] };
  const { findings, unread } = await findUnallowed(deps, upload, run.allowedSecrets, call);
  const wrong = new Set([...findings.map(({ path }) => path), ...unread]);
  if (wrong.size === 0) return;
  const isOut = await takeOut(session, wrong, call);
  const outcome = isOut
    ? "It came into a file while it was being sent, and was taken out of the sandbox again."
    : "It came into a file while it was being sent, and is in the sandbox: destroy the session.";
  if (findings.length > 0) throw toSecretsError(findings, outcome);
  const [first = ""] = wrong;
  throw new SandboxError("conflict", `${toDisplay(first)} changed again and again while it was being sent. Run again.`);
}

async function takeOut(session: LiveSession, paths: ReadonlySet<string>, call: Call): Promise<boolean> {
  const { files, sandbox } = session;
  // The next push sends them again, as they are then.
  for (const path of paths) files.resend.add(path);
  try {
    await sandbox.apply({ deletes: [...paths] }, toCleanupCall(call));
    files.known = toManifest([...files.known].filter(([path]) => !paths.has(path)));
    return true;
  } catch (error) {
    call.logger.error(`A file that must not be in the sandbox could not be deleted there: ${toMessage(error)}`);
    return false;
  }
}
