import type { WorkspaceFolders } from "../posix/workspace-files.ts";

/** The user's files and what is ours beside them; the same place as at Modal, so that what names its own path stays valid. */
export const ROOT = "/sandpiper";

/** Where {@link ROOT} is of the sandbox that a snapshot was taken of. */
export const EARLIER = "/sandpiper.earlier";

/** The user's files in a sandbox, and what is ours beside them: pid files, and files on their way in. */
export const FOLDERS: WorkspaceFolders = { workspace: `${ROOT}/workspace`, private: `${ROOT}/private` };

/** Root's alone to write: the scripts that start commands, and what the disk's watcher writes down. */
export const TOOLS = "/.sandpiper";

/** Every template has this user, who is not root; https://e2b.dev/docs/template/user-and-workdir. */
export const USER = "user";

/** What the disk's watcher writes when it ends commands: KiB found, then the limit. */
export const DISK_FULL_FILE = `${TOOLS}/disk-full`;

/** Tells the state that a sandbox was left in from an earlier one, see `marker.ts`. */
export const MARKER_FILE = `${FOLDERS.private}/pause-marker`;
