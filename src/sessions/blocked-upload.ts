import { SandboxError } from "../core/sandbox-error.ts";
import { toDisplay } from "../core/workspace-path.ts";
import type { SecretFinding } from "../snapshots/secrets/secret-finding.ts";
import type { BlockedUpload } from "./records.ts";

const MAX_FINDINGS = 100;
const MAX_NAMED = 3;

/** `blocked`, with what has to be decided. */
export class BlockedUploadError extends SandboxError {
  readonly blocked: BlockedUpload;

  constructor(message: string, blocked: BlockedUpload) {
    super("blocked", message);
    this.blocked = blocked;
  }
}

/** @param outcome what became of the upload: "Nothing was sent." */
export function toSecretsError(findings: readonly SecretFinding[], outcome: string): BlockedUploadError {
  const [first] = findings;
  const count = findings.length === 1 ? "a credential" : `${findings.length} credentials`;
  const message =
    `What would be sent holds ${count}: ${nameFirst(findings)}. ${outcome} Remove it, keep the file here with the ` +
    `line "${toIgnoreLine(first?.path ?? "")}" in .sandboxignore, or allow it once or for this workspace.`;
  return new BlockedUploadError(message, { kind: "secrets", findings: findings.slice(0, MAX_FINDINGS) });
}

/** The same for a snapshot that was to go into a sandbox: what is in it cannot be removed, and was decided about at most once. */
export function toRestoreError(findings: readonly SecretFinding[]): BlockedUploadError {
  const count = findings.length === 1 ? "a credential" : `${findings.length} credentials`;
  const fingerprints = [...new Set(findings.map(({ fingerprint }) => fingerprint))];
  const message =
    `The snapshot holds ${count}: ${nameFirst(findings)}. Nothing was sent. Restore another one, or allow it in this ` +
    `workspace: sandpiper allow-secret ${fingerprints.slice(0, MAX_NAMED).join(" ")}`;
  return new BlockedUploadError(message, { kind: "secrets", findings: findings.slice(0, MAX_FINDINGS) });
}

function nameFirst(findings: readonly SecretFinding[]): string {
  const named = findings.slice(0, MAX_NAMED).map(({ path, line, kind }) => `${toDisplay(path)}:${line} (${kind})`);
  const more = findings.length > MAX_NAMED ? ` and ${findings.length - MAX_NAMED} more` : "";
  return named.join(", ") + more;
}

/** What an upload comes to. */
export type UploadSize = Omit<Extract<BlockedUpload, { kind: "size" }>, "kind">;

export function toSizeError(size: UploadSize): BlockedUploadError {
  const [largest] = size.largest;
  const most = largest ? ` Most of it is ${toDisplay(largest.path)} (${toMiB(largest.sizeBytes)}).` : "";
  const message =
    `${toMiB(size.totalBytes)} would be sent; the limit is ${toMiB(size.limitBytes)}.${most} Nothing was sent. Keep it here ` +
    `with the line "${toIgnoreLine(largest?.path ?? "")}" in .sandboxignore, or raise the limit ` +
    `(setting sandpiper.sync.maxUploadMiB).`;
  return new BlockedUploadError(message, { kind: "size", ...size });
}

/** The line of an ignore file that leaves out just that path. */
function toIgnoreLine(path: string): string {
  return `/${toDisplay(path.replace(/[\\*?[]| (?=$)/g, "\\$&"))}`;
}

function toMiB(sizeBytes: number): string {
  return `${(sizeBytes / 1024 / 1024).toFixed(1)} MiB`;
}
