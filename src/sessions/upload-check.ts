import { join } from "node:path";
import type { Call } from "../core/call.ts";
import type { Manifest } from "../snapshots/manifest.ts";
import type { ObjectStore } from "../snapshots/store/object-store.ts";
import { toOverlayBytes } from "../snapshots/scan/overlays.ts";
import { toSha256 } from "../snapshots/regular-file.ts";
import type { SecretFinding } from "../snapshots/secrets/secret-finding.ts";
import type { SecretScanner, SecretVerdicts } from "../snapshots/secrets/secret-scanner.ts";
import type { AllowedSecrets } from "./allowed-secrets.ts";
import { toSecretsError, toSizeError } from "./blocked-upload.ts";
import type { Overlay, RunRequest } from "./records.ts";
import type { StateFolder } from "./state-folder.ts";
import { findLargest, sumSizes } from "./upload-size.ts";

/** What checking an upload needs. */
export interface UploadCheckDeps {
  readonly state: StateFolder;
  readonly secrets: SecretScanner;
  readonly store: ObjectStore;
  readonly allowed: AllowedSecrets;
  /** Of fingerprints: those of two installations cannot be compared. */
  readonly fingerprintKey: string;
}

/** What is about to be sent. */
export interface Upload {
  readonly workspaceRoot: string;
  /** Has every path. */
  readonly manifest: Manifest;
  readonly paths: readonly string[];
  /** Texts that are sent instead of what is on disk, whether or not the manifest has their path. */
  readonly overlays: readonly Overlay[];
}

/** What was found in an upload. */
export interface UploadFindings {
  /** In path order, without those that are allowed for good. */
  readonly findings: readonly SecretFinding[];
  /** Paths whose content changed meanwhile: what is in them is known once they have been packed. */
  readonly unread: readonly string[];
}

// Contents that are no longer on disk come through memory.
const MAX_BATCH_BYTES = 16 * 1024 * 1024;

/** @throws {BlockedUploadError} when that is more than the request allows, or holds credentials that it does not */
export async function checkUpload(
  deps: UploadCheckDeps,
  upload: Upload,
  limits: Pick<RunRequest, "maxUploadMiB" | "allowedSecrets">,
  call: Call,
): Promise<void> {
  const limitBytes = limits.maxUploadMiB * 1024 ** 2;
  const totalBytes = sumSizes(upload.manifest, upload.paths);
  if (totalBytes > limitBytes)
    throw toSizeError({ totalBytes, limitBytes, largest: findLargest(upload.manifest, upload.paths) });
  const { findings } = await findUnallowed(deps, upload, limits.allowedSecrets, call);
  if (findings.length > 0) throw toSecretsError(findings, "Nothing was sent.");
}

/** What is in an upload and neither allowed for good nor in `allowedSecrets`. */
export async function findUnallowed(
  deps: UploadCheckDeps,
  upload: Upload,
  allowedSecrets: RunRequest["allowedSecrets"],
  call: Call,
): Promise<UploadFindings> {
  if (allowedSecrets === "all" || (upload.paths.length === 0 && upload.overlays.length === 0))
    return { findings: [], unread: [] };
  const found = await findInUpload(deps, upload, call);
  if (found.findings.length === 0) return found;
  const allowed = new Set([...(await deps.allowed.read(upload.workspaceRoot)), ...allowedSecrets]);
  return { ...found, findings: found.findings.filter(({ fingerprint }) => !allowed.has(fingerprint)) };
}

async function findInUpload(deps: UploadCheckDeps, upload: Upload, call: Call): Promise<UploadFindings> {
  const texts = new Map(upload.overlays.map((overlay) => [overlay.path, toOverlayBytes(overlay)]));
  const shas = new Map<string, string>();
  for (const [path, text] of texts) shas.set(path, toSha256(text));
  const files: { path: string; sha256: string }[] = [];
  for (const path of upload.paths) {
    const entry = upload.manifest.get(path);
    if (entry?.type !== "file" || texts.has(path)) continue;
    shas.set(path, entry.sha256);
    files.push({ path, sha256: entry.sha256 });
  }
  const common = {
    root: upload.workspaceRoot,
    cacheFile: join(deps.state.cache, "clean-contents.bin"),
    key: deps.fingerprintKey,
  };
  const onDisk = await deps.secrets.find({ ...common, files, contents: [...texts.values()] }, call.signal);
  const matches = new Map(onDisk.matches);
  const unread = new Set(onDisk.unread);
  for await (const contents of readStored(deps.store, onDisk.unread, unread)) {
    const stored: SecretVerdicts = await deps.secrets.find({ ...common, files: [], contents }, call.signal);
    for (const [sha256, found] of stored.matches) matches.set(sha256, found);
  }
  return toFindings(shas, matches, unread);
}

/** What the store has of `wanted`, in batches; those are taken out of `missing`. */
async function* readStored(
  store: ObjectStore,
  wanted: readonly string[],
  missing: Set<string>,
): AsyncIterable<readonly Uint8Array[]> {
  let batch: Buffer[] = [];
  let sizeBytes = 0;
  for (const sha256 of wanted) {
    const content = await readObject(store, sha256);
    if (!content) continue;
    missing.delete(sha256);
    batch.push(content);
    sizeBytes += content.length;
    if (sizeBytes < MAX_BATCH_BYTES) continue;
    yield batch;
    batch = [];
    sizeBytes = 0;
  }
  if (batch.length > 0) yield batch;
}

async function readObject(store: ObjectStore, sha256: string): Promise<Buffer | undefined> {
  try {
    const pieces: Uint8Array[] = [];
    for await (const piece of store.read(sha256)) pieces.push(piece);
    return Buffer.concat(pieces);
  } catch {
    // Then it is not known, and said so.
    return undefined;
  }
}

function toFindings(
  shas: ReadonlyMap<string, string>,
  matches: SecretVerdicts["matches"],
  unread: ReadonlySet<string>,
): UploadFindings {
  const findings: SecretFinding[] = [];
  for (const [path, sha256] of shas) for (const match of matches.get(sha256) ?? []) findings.push({ path, ...match });
  findings.sort((a, b) => (a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1));
  return { findings, unread: [...shas].flatMap(([path, sha256]) => (unread.has(sha256) ? [path] : [])) };
}
