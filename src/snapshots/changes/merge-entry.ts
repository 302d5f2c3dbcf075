import { readDiskContent } from "./disk-entry.ts";
import type { HeldParent } from "./folder-handle.ts";
import type { Entry } from "../manifest.ts";
import type { ObjectStore } from "../store/object-store.ts";

type FileEntry = Extract<Entry, { type: "file" }>;

/** A file that differs in three places. */
export interface MergeRequest {
  readonly root: string | HeldParent;
  readonly path: string;
  readonly base: Entry | undefined;
  /** As it is on disk. */
  readonly ours: Entry | undefined;
  readonly theirs: Entry | undefined;
  /** Where the contents of `base` and `theirs` are, and where that of the merged file goes. */
  readonly store: ObjectStore;
}

/** Larger texts are a conflict: merging them takes too long. */
const MAX_TEXT_BYTES = 8 * 1024 ** 2;

/**
 * Both sides' changes to a file in one, its content in the store; undefined when they are in each other's way. The right
 * to run it is merged as its text is. `ours` itself when that has all of it already.
 */
export async function mergeEntry(request: MergeRequest): Promise<FileEntry | undefined> {
  const { base, ours, theirs } = request;
  if (base?.type !== "file" || ours?.type !== "file" || theirs?.type !== "file") return undefined;
  const executable = ours.executable === base.executable ? theirs.executable : ours.executable;
  const content = await mergeContent(request, { base, ours, theirs });
  return content && { type: "file", ...content, executable };
}

type Content = Pick<FileEntry, "sha256" | "sizeBytes">;
type ThreeFiles = { readonly [Side in "base" | "ours" | "theirs"]: FileEntry };

/** What the side has that changed it, or both have; undefined when each has something else. */
function pick(base: string, ours: string, theirs: string): string | undefined {
  if (ours === base || ours === theirs) return theirs;
  return theirs === base ? ours : undefined;
}

async function mergeContent(request: MergeRequest, files: ThreeFiles): Promise<Content | undefined> {
  const { base, ours, theirs } = files;
  const sha256 = pick(base.sha256, ours.sha256, theirs.sha256);
  if (sha256 === theirs.sha256) return { sha256, sizeBytes: theirs.sizeBytes };
  if (Object.values(files).some(({ sizeBytes }) => sizeBytes >= MAX_TEXT_BYTES)) return undefined;
  const mine = await readDiskContent(request.root, request.path, ours);
  if (!mine) return undefined;
  const merged = sha256 === ours.sha256 ? mine : await mergeBytes(request.store, mine, files);
  return merged && (await request.store.put([merged]));
}

async function mergeBytes(store: ObjectStore, mine: Buffer, files: ThreeFiles): Promise<Buffer | undefined> {
  const ours = toText(mine);
  const base = ours === undefined ? undefined : await readText(store, files.base);
  const theirs = base === undefined ? undefined : await readText(store, files.theirs);
  if (ours === undefined || base === undefined || theirs === undefined) return undefined;
  // Most reviews have nothing to merge.
  const { mergeTexts } = await import("./merge-text.ts");
  const text = mergeTexts({ base, ours, theirs });
  return text === undefined ? undefined : Buffer.from(text);
}

/** Undefined for what is no text, and what is not kept (any more): then there is nothing to merge with. */
async function readText(store: ObjectStore, { sha256 }: FileEntry): Promise<string | undefined> {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of store.read(sha256)) pieces.push(piece);
  } catch {
    return undefined;
  }
  return toText(Buffer.concat(pieces));
}

function toText(content: Buffer): string | undefined {
  if (content.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
}
