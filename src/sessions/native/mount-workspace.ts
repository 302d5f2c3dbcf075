import type { Call } from "../../core/call.ts";
import { SandboxError, toMessage } from "../../core/sandbox-error.ts";
import type { Sandbox } from "../../core/sandbox.ts";
import type { Manifest } from "../../snapshots/manifest.ts";
import { parentsOf } from "../plan-push.ts";
import type { SessionFiles } from "../session-files.ts";
import { toMarker } from "./marker.ts";
import type { NativeRecord } from "./native-store.ts";

/** A saved workspace and the list of its files. */
export interface NativeTree {
  readonly record: NativeRecord;
  readonly tree: Manifest;
}

/**
 * Makes the untouched workspace of a sandbox what was saved, and `files` say so: the next push then brings what differs,
 * and takes away what was in it besides. What does not turn out to be what was saved is removed again.
 * @returns why it was not possible; undefined when it was
 * @throws what looking into the sandbox throws, and the reason of an aborted call: what it holds is not known then
 */
export async function mountWorkspace(
  sandbox: Sandbox,
  files: SessionFiles,
  { record, tree }: NativeTree,
  call: Call,
): Promise<SandboxError | undefined> {
  const failure = await mount(sandbox, record.savedId, call);
  const { paths } = await sandbox.list(call);
  const surplus = failure ? undefined : findSurplus(paths, tree, toMarker(record.id));
  if (surplus) {
    files.known = tree;
    files.pushed = tree;
    files.resend = new Set(surplus);
    return undefined;
  }
  if (paths.length > 0) await sandbox.apply({ deletes: toTopmost(new Set(paths)) }, call);
  return failure ?? new SandboxError("conflict", "It was not what had been saved.");
}

async function mount(sandbox: Sandbox, savedId: string, call: Call): Promise<SandboxError | undefined> {
  try {
    if (!sandbox.directorySnapshots) throw new SandboxError("unsupported", "This provider keeps no workspaces.");
    await sandbox.directorySnapshots.mount(savedId, call);
    return undefined;
  } catch (error) {
    call.signal.throwIfAborted();
    return error instanceof SandboxError ? error : new SandboxError("unavailable", toMessage(error), { cause: error });
  }
}

/**
 * What a workspace has besides a tree, without what is in folders that are named; undefined when it lacks the marker or
 * something of the tree.
 */
function findSurplus(paths: readonly string[], tree: Manifest, marker: string): readonly string[] | undefined {
  const present = new Set(paths);
  const folders = new Set(paths.flatMap(parentsOf));
  if (!present.has(marker)) return undefined;
  const needed = new Set<string>();
  for (const [path, { type }] of tree) {
    // What something is in is a folder.
    if (!present.has(path) || (type !== "directory" && folders.has(path))) return undefined;
    needed.add(path);
    for (const parent of parentsOf(path)) needed.add(parent);
  }
  return toTopmost(new Set(paths.filter((path) => !needed.has(path))));
}

function toTopmost(paths: ReadonlySet<string>): readonly string[] {
  return [...paths].filter((path) => !parentsOf(path).some((parent) => paths.has(parent)));
}
