import type { WorkspaceFolders } from "../posix/workspace-files.ts";

/**
 * What directory snapshots hold: the workspace and what is ours beside it, together, as both have to be on one file
 * system and an image is mounted at a path.
 */
export const ROOT = "/sandpiper";

/** Where {@link ROOT} is of the sandbox that an image was saved of. */
export const EARLIER = "/sandpiper.earlier";

/** The user's files in a sandbox, and what is ours beside them: pid files, and files on their way in. */
export const FOLDERS: WorkspaceFolders = { workspace: `${ROOT}/workspace`, private: `${ROOT}/private` };

/** Root's alone: the scripts that start commands, and what the first process writes down. */
export const TOOLS = "/.sandpiper";

export const HOME = "/home/sandbox";

/** Every command runs as this user and group; most images have nobody by it. */
export const USER_ID = 1000;
