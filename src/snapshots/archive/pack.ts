import { lstatSync, readlinkSync, realpathSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import { type Entry, isSameEntry, type Manifest } from "../manifest.ts";
import type { ObjectBatch } from "../store/object-store.ts";
import { toOverlayBytes } from "../scan/overlays.ts";
import { packFile, type PackedFile } from "./pack-file.ts";
import { toFolders } from "../path-gate.ts";
import { toSha256 } from "../regular-file.ts";
import type { Overlay } from "../scan/scanner.ts";
import { look } from "../look.ts";
import { type TarInput, writeTar } from "./tar-writer.ts";

/** What to pack. */
export interface PackRequest {
  readonly root: string;
  /** As scanned; every path is in it. */
  readonly manifest: Manifest;
  readonly paths: readonly string[];
  readonly overlays: readonly Overlay[];
  /** Gets every content that goes into the archive, by the same reading; to be ended by who gives it. */
  readonly keep?: ObjectBatch;
}

/** A pack on its way. */
export interface Pack {
  /** Single-use. */
  readonly tar: AsyncIterable<Uint8Array>;
  /**
   * What turned out different from the manifest: a path that changed meanwhile is packed as it is now, one that is gone
   * (undefined) or cannot be read is not packed. Resolves when `tar` has been read to its end, and rejects when it ends
   * earlier; nobody has to listen to that.
   */
  readonly updates: Promise<ReadonlyMap<string, Entry | undefined>>;
}

interface Packing extends PackRequest {
  readonly overlayByPath: ReadonlyMap<string, Overlay>;
  /** Whether a folder is one, and reached through folders alone. */
  readonly folders: Map<string, boolean>;
  readonly updates: Map<string, Entry | undefined>;
}

/** Packs paths into one archive, reading each file once. What is packed is always one state of each file, and known. */
export function packFiles(request: PackRequest): Pack {
  const packing: Packing = {
    ...request,
    root: realpathSync(request.root),
    overlayByPath: new Map(request.overlays.map((overlay) => [overlay.path, overlay])),
    folders: new Map(),
    updates: new Map(),
  };
  let finish: (error?: Error) => void = ignore;
  const updates = new Promise<ReadonlyMap<string, Entry | undefined>>((resolve, reject) => {
    finish = (error) => (error ? reject(error) : resolve(packing.updates));
  });
  // A pack that nobody reads to the end is told of by whoever should have.
  updates.catch(ignore);
  return { tar: pack(packing, finish), updates };
}

function ignore(): void {}

async function* pack(packing: Packing, finish: (error?: Error) => void): AsyncIterable<Uint8Array> {
  let isComplete = false;
  try {
    for await (const piece of writeTar(readInputs(packing))) {
      yield piece;
      // Reading is synchronous: let others have a turn.
      await setImmediate();
      await packing.keep?.room();
    }
    isComplete = true;
  } catch (cause) {
    if (cause instanceof SandboxError) throw cause;
    throw new SandboxError("unavailable", `The workspace could not be read: ${toMessage(cause)}. Try again.`, {
      cause,
    });
  } finally {
    finish(isComplete ? undefined : new SandboxError("unavailable", "The archive was not read to its end."));
  }
}

function* readInputs(packing: Packing): Iterable<TarInput> {
  for (const path of packing.paths) {
    const packed = readInput(packing, path);
    if (packed) yield packed.input;
    // Only now has the content been read.
    const entry = packed?.entry();
    if (!isSameEntry(entry, packing.manifest.get(path))) packing.updates.set(path, entry);
  }
}

function readInput(packing: Packing, path: string): PackedFile | undefined {
  const expected = packing.manifest.get(path);
  const executable = expected?.type === "file" && expected.executable;
  const overlay = packing.overlayByPath.get(path);
  if (overlay) return packText(path, toOverlayBytes(overlay), executable, packing.keep);
  if (!isReached(packing, path)) return undefined;
  const file = `${packing.root}/${path}`;
  return (expected?.type === "file" ? tryFile(packing, file, path) : undefined) ?? readAny(packing, file, path);
}

/** Undefined when it is no regular file (any more), or cannot be read. */
function tryFile({ keep }: Packing, file: string, path: string): PackedFile | undefined {
  try {
    return packFile(file, path, keep);
  } catch {
    return undefined;
  }
}

function readAny(packing: Packing, file: string, path: string): PackedFile | undefined {
  try {
    const stat = lstatSync(file);
    const mtimeSeconds = stat.mtimeMs / 1000;
    if (stat.isFile()) return tryFile(packing, file, path);
    if (stat.isSymbolicLink()) return packLink(path, readlinkSync(file), mtimeSeconds);
    return stat.isDirectory() ? packFolder(path, mtimeSeconds) : undefined;
  } catch {
    // Gone, or not to be read any more.
    return undefined;
  }
}

/** Nothing is read through a link that took a folder's place. */
function isReached(packing: Packing, path: string): boolean {
  return toFolders(path).every((folder) => {
    const known = packing.folders.get(folder);
    if (known !== undefined) return known;
    const isFolder = look(`${packing.root}/${folder}`)?.isDirectory() ?? false;
    packing.folders.set(folder, isFolder);
    return isFolder;
  });
}

function packText(path: string, content: Buffer, executable: boolean, keep: ObjectBatch | undefined): PackedFile {
  const sizeBytes = content.length;
  const entry = { type: "file", sha256: toSha256(content), sizeBytes, executable } as const;
  keep?.add(entry.sha256, content);
  return { input: { path, type: "file", sizeBytes, executable, content }, entry: () => entry };
}

function packLink(path: string, target: string, mtimeSeconds: number): PackedFile {
  return { input: { path, type: "link", target, mtimeSeconds }, entry: () => ({ type: "link", target }) };
}

function packFolder(path: string, mtimeSeconds: number): PackedFile {
  return { input: { path, type: "directory", mtimeSeconds }, entry: () => ({ type: "directory" }) };
}
