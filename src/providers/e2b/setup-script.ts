import type { SandboxSpec } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { toDiskWatchScript, toKillAllScript } from "../posix/disk-watch.ts";
import { SCRIPTS, type ScriptPaths } from "../posix/supervise.ts";
import { DISK_FULL_FILE, EARLIER, FOLDERS, ROOT, TOOLS, USER } from "./layout.ts";

/** Where the supervisor is in a sandbox. */
export const SCRIPT_PATHS: ScriptPaths = { shell: `${TOOLS}/supervise.sh`, perl: `${TOOLS}/supervise.pl` };

/** Runs what follows under the limits of commands. */
export const ENTER = ["/bin/sh", `${TOOLS}/enter.sh`] as const;

/** Ends every command. */
export const KILL_ALL_COMMAND = ["/bin/sh", `${TOOLS}/kill-all.sh`] as const;

/** For the supervisor of a command, and of one that moves files meanwhile. */
const OWN_PROCESSES = 2;

const READY = "sandpiper-ready";

const KILL_ALL = toKillAllScript("$owner");
const WATCH = toDiskWatchScript({
  folders: [ROOT, `/home/${USER}`, "/tmp", "/var/tmp"],
  userId: "$owner",
  fullFile: DISK_FULL_FILE,
});

/**
 * Makes a fresh sandbox ready, as root: folders, and the scripts that start commands. $1 and $2 are the supervisor's
 * scripts, $3 ends every command, $4 watches over the disk, $5 is the largest file in blocks of 512 bytes, $6 most
 * processes, $7 KiB on the disk. A snapshot holds the memory of the sandbox that it was taken of, too: what ran there ends,
 * and its workspace is put aside, so that a new one begins with an empty one.
 */
const SETUP = `
fail() { printf 'sandpiper-failed %s\\n' "$1"; exit 0; }
umask 022
[ "$(id -u)" = 0 ] || fail "it lets nobody be root"
owner=$(id -u ${USER} 2>/dev/null) && group=$(id -g ${USER}) || fail "it has no user named ${USER}"
[ "$owner" != 0 ] || fail "its user named ${USER} is root"
command -v perl >/dev/null || fail "it has no perl"
if [ -e ${ROOT} ]; then
  ${KILL_ALL}
  rm -rf -- ${EARLIER} && mv -- ${ROOT} ${EARLIER}
fi
mkdir -p ${FOLDERS.workspace} ${FOLDERS.private} ${TOOLS} || fail "its root folder cannot be written to"
chown "$owner:$group" ${FOLDERS.workspace} ${FOLDERS.private} || fail "its files cannot be given to ${USER}"
chmod 700 ${FOLDERS.private}
printf %s "$1" >${SCRIPT_PATHS.shell}
printf %s "$2" >${SCRIPT_PATHS.perl}
printf 'owner=%s\\n%s' "$owner" "$3" >${TOOLS}/kill-all.sh
printf 'owner=%s\\n%s' "$owner" "$4" >${TOOLS}/watch.sh
if [ -e ${DISK_FULL_FILE} ]; then rm -f ${DISK_FULL_FILE}; fi
printf '%s\\n' "ulimit -c 0
ulimit -f $5 2>/dev/null
ulimit -n 4096 2>/dev/null
ulimit -u $6 2>/dev/null || ulimit -p $6
exec \\"\\$@\\"" >${TOOLS}/enter.sh || fail "its disk is full"
if [ -s ${TOOLS}/watch.pid ]; then read -r earlier rest <${TOOLS}/watch.pid && kill "$earlier" 2>/dev/null; fi
setsid /bin/sh ${TOOLS}/watch.sh "$7" </dev/null >/dev/null 2>&1 &
echo "$! $7" >${TOOLS}/watch.pid
echo ${READY}
`;

/** What to run as root in a sandbox that has just been made; see {@link checkSetup}. */
export function toSetupCommand({ diskMiB, maxProcesses }: Pick<SandboxSpec, "diskMiB" | "maxProcesses">): string[] {
  const limits = [String(diskMiB * 2048), String(maxProcesses + OWN_PROCESSES), String(diskMiB * 1024)];
  return ["/bin/sh", "-c", SETUP, "sandpiper", SCRIPTS.shell, SCRIPTS.perl, KILL_ALL, WATCH, ...limits];
}

/** Holds what that command said against what it has to say. @throws {SandboxError} `invalid` when the template can't be used */
export function checkSetup(said: string): void {
  if (said.includes(READY)) return;
  const [, why] = /^sandpiper-failed (.*)$/m.exec(said) ?? [];
  const reason = why ?? (said.trim().slice(0, 300) || "its /bin/sh did not run");
  throw new SandboxError("invalid", `The template can't be used: ${reason}. Choose another image.`);
}

/** What to run as root in a resumed sandbox: where only its files came back, nobody watches over its disk any more. */
export const WATCH_AGAIN_COMMAND = [
  "/bin/sh",
  "-c",
  `read -r pid limit <${TOOLS}/watch.pid && kill -0 "$pid" 2>/dev/null && exit 0
setsid /bin/sh ${TOOLS}/watch.sh "$limit" </dev/null >/dev/null 2>&1 &
echo "$! $limit" >${TOOLS}/watch.pid`,
] as const;
