import { createHash } from "node:crypto";
import { chmod, lstat, mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";

/** Where every door (editor, CLI, engine) keeps what outlives it. Paths only: nothing need exist yet. */
export interface StateFolder {
  readonly root: string;
  /** One JSON file and one folder of file lists per session. */
  readonly ledger: string;
  /** One folder per run: its record, output and change set. */
  readonly runs: string;
  /** Contents of files, by hash. */
  readonly store: string;
  /** Which files each snapshot has, by root hash. */
  readonly trees: string;
  /** One JSON file per snapshot: when, why, of what. */
  readonly snapshots: string;
  /** One folder per change set that is no run's. */
  readonly changeSets: string;
  /** One JSON file per batch. */
  readonly batches: string;
  /** One JSON file per workspace that a provider keeps for us. */
  readonly native: string;
  /** Copies of folders that are not on disk; made anew when they are gone. */
  readonly mirrors: string;
  /** Disposable. */
  readonly cache: string;
  /** One folder per provider. */
  readonly providers: string;
}

/** Reads no disk. `SANDPIPER_STATE` wins over what the platform's convention says. */
export function toStateFolder(env: NodeJS.ProcessEnv, platform = process.platform, home = homedir()): StateFolder {
  // The engine has another current folder than who starts it.
  const root = env["SANDPIPER_STATE"] ? resolve(env["SANDPIPER_STATE"]) : toDefaultRoot(env, platform, home);
  return {
    root,
    ledger: join(root, "ledger"),
    runs: join(root, "runs"),
    store: join(root, "store"),
    trees: join(root, "trees"),
    snapshots: join(root, "snapshots"),
    changeSets: join(root, "changesets"),
    batches: join(root, "batches"),
    native: join(root, "native"),
    mirrors: join(root, "mirrors"),
    cache: join(root, "cache"),
    providers: join(root, "providers"),
  };
}

function toDefaultRoot(env: NodeJS.ProcessEnv, platform: NodeJS.Platform, home: string): string {
  if (platform === "darwin") return join(home, "Library", "Application Support", "sandpiper");
  if (platform === "win32") return join(env["LOCALAPPDATA"] || join(home, "AppData", "Local"), "sandpiper");
  return join(env["XDG_STATE_HOME"] || join(home, ".local", "state"), "sandpiper");
}

/**
 * Makes the folders, readable by nobody else.
 * @throws {SandboxError} `blocked` when somebody else owns the folder, `unavailable` when it cannot be made.
 */
export async function prepareStateFolder(state: StateFolder): Promise<void> {
  for (const folder of Object.values(state)) await preparePrivateFolder(String(folder));
}

/** Makes one folder of mode 0700. @throws {SandboxError} as {@link prepareStateFolder} does. */
export async function preparePrivateFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const stats = await lstat(folder);
    const uid = process.getuid?.();
    if (!stats.isDirectory() || (uid !== undefined && stats.uid !== uid)) {
      throw new SandboxError(
        "blocked",
        `${folder} belongs to somebody else. Remove it, or set SANDPIPER_STATE to a folder of yours.`,
      );
    }
    if (process.platform !== "win32" && (stats.mode & 0o077) !== 0) await chmod(folder, 0o700);
  } catch (cause) {
    if (cause instanceof SandboxError) throw cause;
    const remedy = "Make room or mend its permissions, or set SANDPIPER_STATE to another folder.";
    throw new SandboxError("unavailable", `Sandpiper cannot use ${folder}: ${toMessage(cause)}. ${remedy}`, { cause });
  }
}

/** The folder of one run: `record.json`, `changes.json`, `output.bin`, `output.idx`. */
export function toRunFolder(state: StateFolder, runId: string): string {
  return join(state.runs, checkId(runId));
}

/** The folder of one change set that is no run's: `record.json`, `changes.json`. */
export function toChangeSetFolder(state: StateFolder, id: string): string {
  return join(state.changeSets, checkId(id));
}

/** The folder of one session's file lists. */
export function toSessionFolder(state: StateFolder, sessionId: string): string {
  return join(state.ledger, checkId(sessionId));
}

/** The stat cache of one workspace. */
export function toScanCacheFile(state: StateFolder, workspaceRoot: string): string {
  return join(state.cache, `scan-${toWorkspaceHash(workspaceRoot)}.bin`);
}

/** Names a workspace without telling its path; fit for a label. */
export function toWorkspaceHash(workspaceRoot: string): string {
  return createHash("sha256").update(workspaceRoot).digest("hex").slice(0, 16);
}

// Ids come from other processes and become parts of paths.
function checkId(id: string): string {
  if (!/^[a-z0-9-]{1,64}$/.test(id)) throw new SandboxError("not-found", "There is no run or session with that id.");
  return id;
}
