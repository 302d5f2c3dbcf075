import { createHash } from "node:crypto";
import type { Call } from "../core/call.ts";
import type { Sandbox } from "../core/sandbox.ts";
import { type Entry, type Manifest, toManifest } from "../snapshots/manifest.ts";
import { type PackRequest, packFiles } from "../snapshots/pack.ts";
import { isWithin, parentsOf, planPush } from "./plan-push.ts";
import type { Overlay } from "./records.ts";
import { type SessionFiles, toLatest } from "./session-files.ts";

/** What to bring into a sandbox. */
export interface PushRequest {
  readonly workspaceRoot: string;
  /** The workspace as scanned, overlays included. */
  readonly local: Manifest;
  readonly overlays: readonly Overlay[];
  /** A file that is for the sandbox alone: sent, and never counted as the workspace's. */
  readonly extra?: Overlay;
}

/**
 * Brings the workspace's changes into the sandbox and keeps `files` true: after a failure the paths concerned are sent
 * again at the next push. Call it under the session's lock.
 */
export async function pushWorkspace(
  sandbox: Sandbox,
  files: SessionFiles,
  request: PushRequest,
  call: Call,
): Promise<void> {
  const plan = planPush({ local: request.local, ...files });
  const { extra } = request;
  const sent = extra ? [...plan.send, extra.path] : plan.send;
  if (sent.length === 0 && plan.deletes.length === 0) {
    files.pushed = toLatest(files.pushed, request.local);
    return;
  }
  const concerned = [...plan.send, ...plan.deletes];
  for (const path of concerned) files.resend.add(path);
  const updates = await applyPush(sandbox, { deletes: plan.deletes, pack: toPackRequest(request, sent) }, call);
  if (extra) updates.delete(extra.path);
  recordPush(files, { local: request.local, send: plan.send, deletes: plan.deletes, updates });
  for (const path of concerned) files.resend.delete(path);
  if (updates.size > 0) call.logger.debug(`${updates.size} files changed while they were being sent`);
}

async function applyPush(
  sandbox: Sandbox,
  { deletes, pack: request }: { readonly deletes: readonly string[]; readonly pack: PackRequest },
  call: Call,
): Promise<Map<string, Entry | undefined>> {
  if (request.paths.length === 0) {
    await sandbox.apply({ deletes }, call);
    return new Map();
  }
  const pack = packFiles(request);
  await sandbox.apply({ deletes, tar: pack.tar }, call);
  return new Map(await pack.updates);
}

function toPackRequest(request: PushRequest, paths: readonly string[]): PackRequest {
  const { extra } = request;
  if (!extra) return { root: request.workspaceRoot, manifest: request.local, paths, overlays: request.overlays };
  const manifest = toManifest([...request.local, [extra.path, toTextEntry(extra.text)]]);
  return { root: request.workspaceRoot, manifest, paths, overlays: [...request.overlays, extra] };
}

function toTextEntry(text: string): Entry {
  const bytes = Buffer.from(text);
  return {
    type: "file",
    sha256: createHash("sha256").update(bytes).digest("hex"),
    sizeBytes: bytes.length,
    executable: false,
  };
}

interface Pushed {
  readonly local: Manifest;
  readonly send: readonly string[];
  readonly deletes: readonly string[];
  readonly updates: ReadonlyMap<string, Entry | undefined>;
}

function recordPush(files: SessionFiles, { local, send, deletes, updates }: Pushed): void {
  const deleted = new Set(deletes);
  const known = new Map([...files.known].filter(([path]) => !isWithin(path, deleted)));
  const pushed = new Map(local);
  for (const path of send) {
    const entry = updates.has(path) ? updates.get(path) : local.get(path);
    if (entry) {
      known.set(path, entry);
      pushed.set(path, entry);
      // An entry for a folder says that it is empty.
      for (const parent of parentsOf(path)) if (known.get(parent)?.type === "directory") known.delete(parent);
      continue;
    }
    // Gone while it was being sent: the sandbox keeps what it has until the next push sees that it is gone.
    const before = files.pushed.get(path);
    if (before) pushed.set(path, before);
    else pushed.delete(path);
  }
  files.known = toManifest(known);
  files.pushed = toLatest(files.pushed, toManifest(pushed));
}
