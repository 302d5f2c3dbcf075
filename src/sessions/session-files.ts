import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { isSameEntry, type Manifest, toManifest } from "../snapshots/manifest.ts";
import { readManifest, writeManifest } from "../snapshots/manifest-file.ts";
import { isVersioned, readJsonFile, writeJsonFile } from "./json-file.ts";

/** What we know of the files in a session's sandbox. Changed only under the session's lock. */
export interface SessionFiles {
  /** The workspace as it was last pushed. */
  pushed: Manifest;
  /** What the sandbox is known to hold: pushed and brought back. */
  known: Manifest;
  /** Paths to send at the next push whatever else is said. */
  resend: Set<string>;
  /** True when a command may have changed files that nobody has looked at since. */
  isUnchecked: boolean;
}

/** `next`, or `now` itself when that is equal: then nobody needs to save it again. */
export function toLatest(now: Manifest, next: Manifest): Manifest {
  if (now.size !== next.size) return next;
  for (const [path, entry] of next) if (!isSameEntry(now.get(path), entry)) return next;
  return now;
}

/** For a sandbox whose workspace is empty. */
export function createSessionFiles(): SessionFiles {
  return { pushed: toManifest([]), known: toManifest([]), resend: new Set(), isUnchecked: false };
}

/**
 * Saves what a later engine needs to go on with the sandbox. A save that is missed costs a few files sent twice.
 * @param folder the session's, see `toSessionFolder`
 * @param saved what was saved last; lists that are the same are not written again
 */
export async function writeSessionFiles(folder: string, files: SessionFiles, saved?: SessionFiles): Promise<void> {
  const { pushed, known } = files;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (pushed !== saved?.pushed) await writeManifest(join(folder, "pushed.manifest"), pushed);
  if (known !== saved?.known) await writeManifest(join(folder, "known.manifest"), known);
  await writeResend(folder, files);
}

/** Saves `resend` and `isUnchecked` alone. */
export async function writeResend(folder: string, files: SessionFiles): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const state = { version: 1, resend: [...files.resend], isUnchecked: files.isUnchecked };
  await writeJsonFile(join(folder, "files.json"), state, false);
}

/** @throws when any part is missing or damaged: what such a sandbox holds is not known. */
export async function readSessionFiles(folder: string): Promise<SessionFiles> {
  const pushed = await readManifest(join(folder, "pushed.manifest"));
  const known = await readManifest(join(folder, "known.manifest"));
  const state = await readJsonFile(join(folder, "files.json"), isState);
  if (state.kind !== "read") throw new Error("The session's list of files is missing.");
  return { pushed, known, resend: new Set(state.value.resend), isUnchecked: state.value.isUnchecked };
}

interface State {
  readonly version: number;
  readonly resend: readonly string[];
  readonly isUnchecked: boolean;
}

function isState(value: unknown): value is State {
  return (
    isVersioned(value) &&
    "resend" in value &&
    Array.isArray(value.resend) &&
    "isUnchecked" in value &&
    typeof value.isUnchecked === "boolean"
  );
}
