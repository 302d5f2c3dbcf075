import { toDiskWatchScript, toKillAllScript } from "../posix/disk-watch.ts";
import { HOME, ROOT, TOOLS, USER_ID } from "./layout.ts";

/** What the first process writes when it ends commands because of the disk: KiB found, then the limit. */
export const DISK_FULL_FILE = `${TOOLS}/disk-full`;

/** Ends every process of the user of commands. */
export const KILL_ALL = toKillAllScript(String(USER_ID));

/**
 * The first process of a sandbox; $1 is what the folders of its user may hold, in KiB, for which Modal has no limit of its
 * own. It never ends: the sandbox would end with it, before its time.
 */
export const INIT_SCRIPT = toDiskWatchScript({
  folders: [ROOT, HOME, "/tmp", "/var/tmp"],
  userId: String(USER_ID),
  fullFile: DISK_FULL_FILE,
});
