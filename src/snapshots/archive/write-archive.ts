import { randomBytes } from "node:crypto";
import { constants, createWriteStream } from "node:fs";
import { copyFile, link, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createZstdCompress } from "node:zlib";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import { toDisplay, whyUnsafePath } from "../../core/workspace-path.ts";
import { ARCHIVE_HEAD, type ArchiveNote, encodeHead, FILES_PREFIX } from "./archive-head.ts";
import { hasCode } from "../changes/folder-handle.ts";
import { look } from "../look.ts";
import type { Manifest } from "../manifest.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { readStored } from "./pack-stored.ts";
import { type TarInput, writeTar } from "./tar-writer.ts";
import { toTreeHash } from "../tree-hash.ts";

/** A snapshot to write into one file. */
export interface ArchiveRequest {
  readonly manifest: Manifest;
  readonly store: ObjectStore;
  /** Goes with it, for whoever takes it in. */
  readonly note: ArchiveNote;
}

/**
 * Writes a snapshot as a tar of `sandpiper-snapshot.json` and `files/…`, compressed by zstd: `tar --zstd -xf` opens it.
 * The file is there when it is complete, and never replaces another.
 * @throws {SandboxError} `conflict` when there is such a file, what the store does for a content that is not kept,
 * `unavailable` when it cannot be written
 */
export async function writeArchive(request: ArchiveRequest, file: string): Promise<void> {
  if (look(file)) throw taken(file);
  const temporary = `${file}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const tar = Readable.from(writeTar(readInputs(request)), { objectMode: false });
    const output = createWriteStream(temporary, { flags: "wx", mode: 0o600, flush: true });
    await pipeline(tar, createZstdCompress(), output);
    await moveIntoPlace(temporary, file);
  } catch (cause) {
    if (cause instanceof SandboxError) throw cause;
    throw new SandboxError("unavailable", `${file} could not be written: ${toMessage(cause)}.`, { cause });
  } finally {
    await rm(temporary, { force: true }).catch(() => {});
  }
}

async function* readInputs({ manifest, store, note }: ArchiveRequest): AsyncIterable<TarInput> {
  for (const path of manifest.keys()) {
    const reason = whyUnsafePath(FILES_PREFIX + path);
    if (reason) throw new SandboxError("invalid", `${toDisplay(path)} has no room in an archive: ${reason}.`);
  }
  const content = encodeHead({ treeHash: toTreeHash(manifest), note });
  yield { path: ARCHIVE_HEAD, type: "file", sizeBytes: content.length, executable: false, content };
  for await (const input of readStored({ manifest, paths: [...manifest.keys()], store }))
    yield { ...input, path: FILES_PREFIX + input.path };
}

/** Unlike a rename, neither of these replaces a file; some file systems have no links. */
async function moveIntoPlace(temporary: string, file: string): Promise<void> {
  try {
    await link(temporary, file).catch(async (error: unknown) => {
      if (hasCode(error, "EEXIST")) throw error;
      await copyFile(temporary, file, constants.COPYFILE_EXCL);
    });
  } catch (error) {
    throw hasCode(error, "EEXIST") ? taken(file) : error;
  }
}

function taken(file: string): SandboxError {
  return new SandboxError("conflict", `${file} is there already. Choose another name.`);
}
