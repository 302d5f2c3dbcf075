import { createHash } from "node:crypto";
import type { Call } from "../core/call.ts";
import { toMessage } from "../core/sandbox-error.ts";
import type { Sandbox } from "../core/sandbox.ts";
import { type Entry, type Manifest, toManifest } from "../snapshots/manifest.ts";
import { patchManifest, type TreeDelta } from "../snapshots/tree-delta.ts";
import type { ObjectStore } from "../snapshots/store/object-store.ts";
import { type PackRequest, packFiles } from "../snapshots/archive/pack.ts";
import { packStored } from "../snapshots/archive/pack-stored.ts";
import { isWithin, parentsOf, planPush } from "./plan-push.ts";
import type { Overlay } from "./records.ts";
import { type SessionFiles, toLatest } from "./session-files.ts";
import { sumSizes } from "./upload-size.ts";

/** What to bring into a sandbox. */
export interface PushRequest {
  readonly workspaceRoot: string;
  /** The workspace as scanned, overlays included. */
  readonly local: Manifest;
  readonly overlays: readonly Overlay[];
  /** A file that is for the sandbox alone: sent, and never counted as the workspace's. */
  readonly extra?: Overlay;
  /** Keeps the contents that are sent. */
  readonly store: ObjectStore;
  /** Called with the paths that are about to be sent, before anything is; what it throws ends the push. */
  readonly onWillSend: (paths: readonly string[]) => Promise<void>;
}

/** How much was sent: files and links, and their bytes uncompressed. */
export interface SentFiles {
  readonly fileCount: number;
  readonly totalBytes: number;
}

/** Nothing at all. */
export const NOTHING_SENT: SentFiles = { fileCount: 0, totalBytes: 0 };

/** What was pushed. */
export interface Push {
  readonly sent: SentFiles;
  /** What turned out different from `local`: path -> what was sent; undefined when nothing was. */
  readonly updates: ReadonlyMap<string, Entry | undefined>;
  /** Settles when the store has what was sent; that is nothing to wait for before something is run. Never rejects. */
  readonly kept: Promise<void>;
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
): Promise<Push> {
  const plan = planPush({ local: request.local, ...files });
  const { extra } = request;
  const sent = extra ? [...plan.send, extra.path] : plan.send;
  if (sent.length === 0 && plan.deletes.length === 0) {
    files.pushed = toLatest(files.pushed, request.local);
    return { updates: new Map(), kept: Promise.resolve(), sent: NOTHING_SENT };
  }
  if (sent.length > 0) await request.onWillSend(plan.send);
  const concerned = [...plan.send, ...plan.deletes];
  for (const path of concerned) files.resend.add(path);
  const delta = { deletes: plan.deletes, pack: toPackRequest(request, sent), store: request.store };
  const { updates, kept } = await applyPush(sandbox, delta, call);
  if (extra) updates.delete(extra.path);
  recordPush(files, { local: request.local, send: plan.send, deletes: plan.deletes, updates });
  for (const path of concerned) files.resend.delete(path);
  if (updates.size > 0) call.logger.debug(`${updates.size} files changed while they were being sent`);
  return { updates, kept, sent: countSent(delta.pack.manifest, sent) };
}

interface PushedDelta {
  readonly deletes: readonly string[];
  readonly pack: PackRequest;
  readonly store: ObjectStore;
}

async function applyPush(
  sandbox: Sandbox,
  { deletes, pack: request, store }: PushedDelta,
  call: Call,
): Promise<Omit<Push, "sent"> & { readonly updates: Map<string, Entry | undefined> }> {
  if (request.paths.length === 0) {
    await sandbox.apply({ deletes }, call);
    return { updates: new Map(), kept: Promise.resolve() };
  }
  const keep = store.openBatch();
  try {
    const pack = packFiles({ ...request, keep });
    await sandbox.apply({ deletes, tar: pack.tar }, call);
    const updates = new Map(await pack.updates);
    // A full disk here is no reason not to run there: only no snapshot comes of it.
    return { updates, kept: keep.finish().catch((error: unknown) => call.logger.warn(toMessage(error))) };
  } catch (error) {
    await keep.discard();
    throw error;
  }
}

/** A snapshot's files, for a sandbox. */
export interface PushedTree {
  readonly tree: Manifest;
  /** The workspace as it counts as pushed. */
  readonly base: Manifest;
  readonly store: ObjectStore;
  /** Packs paths of the tree in place of reading each out of the store. */
  readonly pack?: ((paths: readonly string[]) => AsyncIterable<Uint8Array>) | undefined;
}

/**
 * Makes the sandbox hold exactly the files of a snapshot, of which it is sent what it lacks. What it has and nobody ever
 * listed (left out by a rule) stays. `files.pushed` becomes `base`. Call it under the session's lock.
 */
export async function pushTree(
  sandbox: Sandbox,
  files: SessionFiles,
  { tree, base, store, pack }: PushedTree,
  call: Call,
): Promise<SentFiles> {
  const plan = planPush({ local: tree, pushed: files.known, known: files.known, resend: files.resend });
  for (const path of [...plan.send, ...plan.deletes]) files.resend.add(path);
  const packPaths = pack ?? ((paths) => packStored({ manifest: tree, paths, store }).tar);
  const tar = plan.send.length > 0 ? packPaths(plan.send) : undefined;
  if (tar || plan.deletes.length > 0) await sandbox.apply({ deletes: plan.deletes, ...(tar ? { tar } : {}) }, call);
  files.known = tree;
  files.pushed = base;
  files.resend.clear();
  files.isUnchecked = false;
  return countSent(tree, plan.send);
}

function countSent(manifest: Manifest, paths: readonly string[]): SentFiles {
  const files = paths.filter((path) => manifest.get(path)?.type !== "directory");
  return { fileCount: files.length, totalBytes: sumSizes(manifest, files) };
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
  const known = new Map<string, Entry | undefined>(withinAny(files.known, deletes).map((path) => [path, undefined]));
  const pushed = new Map<string, Entry | undefined>();
  for (const path of send) {
    const entry = updates.has(path) ? updates.get(path) : local.get(path);
    if (entry) {
      known.set(path, entry);
      if (updates.has(path)) pushed.set(path, entry);
      // An entry for a folder says that it is empty.
      for (const parent of parentsOf(path))
        if (files.known.get(parent)?.type === "directory") known.set(parent, undefined);
      continue;
    }
    // Gone while it was being sent: the sandbox keeps what it has until the next push sees that it is gone.
    pushed.set(path, files.pushed.get(path));
  }
  files.pushed = toLatest(files.pushed, patch(local, pushed));
  // Mostly the sandbox holds what the workspace does; then it is one list, hashed and written once.
  files.known = toLatest(files.pushed, patch(files.known, known));
}

function patch(manifest: Manifest, delta: TreeDelta): Manifest {
  return delta.size === 0 ? manifest : patchManifest(manifest, delta);
}

function withinAny(manifest: Manifest, folders: readonly string[]): readonly string[] {
  const paths = new Set(folders);
  return paths.size === 0 ? [] : [...manifest.keys()].filter((path) => isWithin(path, paths));
}
