import type { Call } from "../core/call.ts";
import { SandboxError } from "../core/sandbox-error.ts";
import type { Scanner } from "../snapshots/scan/scanner.ts";
import { checkTarget, checkWorkspaceRoot } from "./check-request.ts";
import { createSessionFiles, readSessionFiles, type SessionFiles } from "./session-files.ts";
import { selectWarm } from "./new-session.ts";
import { planPush } from "./plan-push.ts";
import type { SessionPool } from "./session-pool.ts";
import type { PreviewRequest, UploadPreview } from "./snapshot-records.ts";
import { toScanCacheFile, toSessionFolder } from "./state-folder.ts";
import { findUnallowed, type UploadCheckDeps } from "./upload-check.ts";
import { sumSizes } from "./upload-size.ts";

/** What previews are made from. */
export interface UploadDeskDeps extends UploadCheckDeps {
  readonly scanner: Scanner;
  readonly pool: SessionPool;
}

/** Says what a push would send, and makes nothing: neither a sandbox nor a link to one. */
export async function previewUpload(deps: UploadDeskDeps, request: PreviewRequest, call: Call): Promise<UploadPreview> {
  checkTarget(request.target);
  await checkWorkspaceRoot(request.workspaceRoot);
  const { workspaceRoot, overlays } = request;
  const scanRequest = {
    root: workspaceRoot,
    cacheFile: toScanCacheFile(deps.state, workspaceRoot),
    overlays,
    maxFileBytes: request.maxFileMiB * 1024 ** 2,
    watch: true,
  };
  const { manifest, skipped, totalBytes } = await deps.scanner.scan(scanRequest, call.signal);
  const { send } = planPush({ local: manifest, ...(await readWarmFiles(deps, request)) });
  const sent = new Set(send);
  const upload = { workspaceRoot, manifest, paths: send, overlays: overlays.filter(({ path }) => sent.has(path)) };
  const { findings } = await findUnallowed(deps, upload, [], call);
  return {
    files: Array.from(manifest, ([path, entry]) => ({
      path,
      sizeBytes: entry.type === "file" ? entry.sizeBytes : 0,
      isSent: sent.has(path),
    })),
    totalBytes,
    sentBytes: sumSizes(manifest, send),
    sentCount: send.length,
    skipped,
    findings,
  };
}

/** What the sandbox of the workspace's warm session on that target holds; an empty one's when there is none. */
async function readWarmFiles({ pool, state }: UploadDeskDeps, request: PreviewRequest): Promise<SessionFiles> {
  const [warm] = selectWarm(pool.list(), request);
  if (!warm) return createSessionFiles();
  const live = pool.findLive(warm.id);
  if (live) return live.files;
  return await readSessionFiles(toSessionFolder(state, warm.id)).catch(() => createSessionFiles());
}

/** Lets credentials with these fingerprints through in that workspace from now on. @throws {SandboxError} `invalid` */
export async function allowSecrets(
  { allowed }: UploadDeskDeps,
  workspaceRoot: string,
  fingerprints: readonly string[],
): Promise<void> {
  await checkWorkspaceRoot(workspaceRoot);
  const wrong = fingerprints.find((fingerprint) => !/^[0-9a-f]{32}$/.test(fingerprint));
  if (wrong !== undefined)
    throw new SandboxError(
      "invalid",
      "That is no fingerprint of a credential. Take it from a preview or a blocked run.",
    );
  await allowed.add(workspaceRoot, fingerprints);
}
