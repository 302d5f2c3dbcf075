import { closeSync } from "node:fs";
import { type CleanContents, readCleanContents } from "./clean-contents.ts";
import { findSecrets, MAX_SCANNED_BYTES, RULE_SET, type SecretMatch } from "./find-secrets.ts";
import { hashFile, openRegularFile, readWhole, toSha256, WHOLE_FILE_BYTES } from "../regular-file.ts";
import type { SecretRequest, SecretVerdicts } from "./secret-scanner.ts";

/** What the thread does: looks through what it does not know to be clean. Knowledge stays in memory and on disk. */
export function createSecretDesk(): (request: SecretRequest) => Promise<SecretVerdicts> {
  const books = new Map<string, CleanContents>();
  return async (request) => {
    const clean = books.get(request.cacheFile) ?? readCleanContents(request.cacheFile, RULE_SET);
    books.set(request.cacheFile, clean);
    const matches = new Map<string, readonly SecretMatch[]>();
    const unread: string[] = [];
    const judge = async (sha256: string, content: Uint8Array): Promise<void> => {
      const found = await findSecrets(content, request.key);
      if (found.length > 0) matches.set(sha256, found);
      else clean.add(sha256);
    };
    for (const { sha256, path } of request.files) {
      if (clean.has(sha256) || matches.has(sha256)) continue;
      const content = readBeginning(`${request.root}/${path}`, sha256);
      if (content) await judge(sha256, content);
      else unread.push(sha256);
    }
    for (const content of request.contents) {
      const sha256 = toSha256(content);
      if (!clean.has(sha256) && !matches.has(sha256)) await judge(sha256, content);
    }
    clean.save();
    return { matches, unread };
  };
}

/** Undefined when the file is not (any more) the one with that content. */
function readBeginning(file: string, sha256: string): Buffer | undefined {
  try {
    const opened = openRegularFile(file);
    if (!opened) return undefined;
    try {
      const isSmall = opened.stat.size <= WHOLE_FILE_BYTES;
      const content = readWhole(opened.descriptor, isSmall ? Number(opened.stat.size) : MAX_SCANNED_BYTES);
      const actual = isSmall ? toSha256(content) : hashFile(file)?.sha256;
      return actual === sha256 ? content : undefined;
    } finally {
      closeSync(opened.descriptor);
    }
  } catch {
    return undefined;
  }
}
