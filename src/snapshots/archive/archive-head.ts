import { SandboxError } from "../../core/sandbox-error.ts";

/** What a snapshot's file says of it besides its files; a JSON object. */
export type ArchiveNote = Readonly<Record<string, unknown>>;

/** What an archive starts with. */
export interface ArchiveHead {
  readonly treeHash: string;
  readonly note: ArchiveNote;
}

/** The first member of an archive; the others are below {@link FILES_PREFIX}. */
export const ARCHIVE_HEAD = "sandpiper-snapshot.json";
export const FILES_PREFIX = "files/";
export const MAX_HEAD_BYTES = 1024 * 1024;

const VERSION = 1;

export function encodeHead({ treeHash, note }: ArchiveHead): Buffer {
  return Buffer.from(`${JSON.stringify({ version: VERSION, treeHash, note }, undefined, 2)}\n`);
}

/** @throws {SandboxError} `invalid` when it is no head, `unsupported` for one of a newer version */
export function decodeHead(bytes: Buffer): ArchiveHead {
  const head = parse(bytes);
  if (!isRecord(head) || typeof head["version"] !== "number") throw noArchive();
  if (head["version"] > VERSION) {
    const message = "That snapshot was exported by a newer version of Sandpiper. Update this one, then import it.";
    throw new SandboxError("unsupported", message);
  }
  const { treeHash, note } = head;
  if (typeof treeHash !== "string" || !/^[0-9a-f]{64}$/.test(treeHash) || !isRecord(note)) throw noArchive();
  return { treeHash, note };
}

export function noArchive(cause?: unknown): SandboxError {
  return new SandboxError("invalid", "That file is not a snapshot that Sandpiper exported.", { cause });
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
