import { SandboxError } from "../../core/sandbox-error.ts";
import type { SandboxSpec } from "../../core/provider.ts";
import { SCRIPTS, type ScriptPaths, START_PERL } from "../posix/supervise.ts";
import { INIT_SCRIPT, KILL_ALL } from "./init-script.ts";
import { EARLIER, FOLDERS, HOME, ROOT, TOOLS, USER_ID } from "./layout.ts";

/** Where the supervisor is in a sandbox. */
export const SCRIPT_PATHS: ScriptPaths = { shell: `${TOOLS}/supervise.sh`, perl: `${TOOLS}/supervise.pl` };

/**
 * Waits until the first process has set the sandbox up, $1 being the creation it was told. An image that was saved from an
 * earlier sandbox of ours has what that one was told.
 */
const WAIT = `
done=${TOOLS}/setup-$1 tries=0
shift
until [ -s "$done" ]; do
  tries=$((tries + 1))
  if [ "$tries" -gt 4000 ]; then echo "sandpiper: the sandbox was not set up" >&2; exit 126; fi
  # A look takes some microseconds, to start a program some hundreds.
  if [ "$tries" -gt 1000 ]; then sleep 0.003 2>/dev/null || sleep 1; fi
done
`;

/** Becomes the user of commands, under their limits, and runs what follows, once the sandbox has been set up. */
export function toEnter(creation: string): readonly string[] {
  return ["/bin/sh", "-c", `${WAIT}. ${TOOLS}/enter.sh`, "sandpiper", creation];
}

/** Ends every command. */
export const KILL_ALL_COMMAND = ["/bin/sh", `${TOOLS}/kill-all.sh`] as const;

/** For the supervisor of a command, and of one that moves files meanwhile. */
const OWN_PROCESSES = 2;

/** What is known of a sandbox that has been set up. */
export interface Setup {
  readonly hasPerl: boolean;
}

const MARKS = { perl: "sandpiper-ready perl", shell: "sandpiper-ready shell" } as const;

/**
 * Makes a fresh sandbox ready, as root: folders, the user of commands, and the scripts that start them. $1 and $2 are the
 * supervisor's scripts, $3 the start of the one in perl, $4 the script that ends everything, $5 the largest file in blocks
 * of 512 bytes, $6 most processes; $made is the status of `mkdir`.
 * Commands are not root, so that they can't touch what limits them. The supervisor in perl changes users itself. Without
 * it, and for who may not change users, which takes a user namespace with one user alone, a program does; busybox, as of
 * Alpine, has neither tool for that, but su. Builtins do what they can: the first command waits for this, and a program
 * takes gVisor some milliseconds to start.
 */
const SETUP = `
fail() { printf 'sandpiper-failed %s\\n' "$1"; exit 1; }
umask 022
while read -r key own rest && [ "$key" != Uid: ]; do :; done </proc/self/status
[ "$own" = 0 ] || fail "it does not run as root"
[ "$made" = 0 ] || fail "its root folder cannot be written to"
id=${USER_ID}
find_name() { while IFS=: read -r name rest uid more; do [ "$uid" != $id ] || return 0; done </etc/passwd; return 1; }
if ! find_name 2>/dev/null; then
  name=sandbox
  echo "sandbox:x:$id:$id::${HOME}:/bin/sh" >>/etc/passwd
fi
mark="${MARKS.shell}" may_change= start=
if [ -x /usr/bin/perl ] || [ -x /usr/local/bin/perl ] || command -v perl >/dev/null; then mark="${MARKS.perl}"; fi
if chown $id:$id ${FOLDERS.workspace} ${FOLDERS.private} ${HOME} 2>/dev/null; then may_change=1; fi
if [ -n "$may_change" ] && [ "$mark" = "${MARKS.perl}" ]; then
  start="shift 2$3echo 'sandpiper: perl is gone from the sandbox' >&2; exit 126"
elif [ -n "$may_change" ] &&
  setpriv --reuid $id --regid $id --clear-groups --no-new-privs --inh-caps=-all true 2>/dev/null; then
  become="setpriv --reuid $id --regid $id --clear-groups --no-new-privs --inh-caps=-all"
elif unshare --user --map-user=$id --map-group=$id true 2>/dev/null; then
  become="unshare --user --map-user=$id --map-group=$id"
  if setpriv --no-new-privs true 2>/dev/null; then become="$become setpriv --no-new-privs"; fi
elif su -p -s /bin/sh -c true -- "$name" >/dev/null 2>&1; then
  become="su -p -s /bin/sh -c 'exec \\"\\$@\\"' -- $name sandpiper"
else
  fail "it has none of setpriv, unshare and su"
fi
printf %s "$1" >${SCRIPT_PATHS.shell}
printf %s "$2" >${SCRIPT_PATHS.perl}
printf %s "$4" >${TOOLS}/kill-all.sh
if [ -e ${TOOLS}/disk-full ]; then rm -f ${TOOLS}/disk-full; fi
printf '%s\\n' "ulimit -c 0
ulimit -f $5 2>/dev/null
ulimit -n 4096 2>/dev/null
ulimit -u $6 2>/dev/null || ulimit -p $6
case \\$HOME in '' | / | /root) HOME=${HOME} && export HOME ;; esac
\${start:-exec $become \\"\\$@\\"}" >${TOOLS}/enter.sh || fail "its disk is full"
echo "$mark"
`;

/** $1 is the creation, what follows is for SETUP. The file that others wait for gets all that it will have at once. */
const SET_UP = `
mkdir -p ${TOOLS} ${FOLDERS.workspace} ${FOLDERS.private} ${HOME}
made=$?
(shift; ${SETUP}) >${TOOLS}/setup-$1
chmod 700 ${FOLDERS.private} # nobody but root and that user is there by now
`;

/**
 * $1 is the script to go on with, $2 its argument; what follows is for SET_UP. An image that was saved of a sandbox has
 * that one's workspace: a new one begins with an empty one, with the old one put aside, unless it goes on with the same.
 */
const FIRST = `
init=$1 limit=$2
shift 2
if [ -e ${ROOT} ] && [ ! -e ${TOOLS}/setup-$1 ]; then rm -rf -- ${EARLIER} && mv -- ${ROOT} ${EARLIER}; fi
${SET_UP}
printf %s "$init" >${TOOLS}/init.sh
exec /bin/sh ${TOOLS}/init.sh "$limit"
`;

type Limits = Pick<SandboxSpec, "diskMiB" | "maxProcesses">;

/**
 * The first process of a sandbox, as root: sets it up and becomes the one that watches its disk. Setting up while the
 * sandbox's creator gets to know of it spares a round trip to Modal before the first command.
 */
export function toFirstCommand(limits: Limits, creation: string): string[] {
  const diskKiB = String(limits.diskMiB * 1024);
  return ["/bin/sh", "-c", FIRST, "sandpiper", INIT_SCRIPT, diskKiB, creation, ...toSetupArguments(limits)];
}

/** What to run as root in a sandbox whose first process has set it up under another creation; see {@link readSetup}. */
export function toSetupCommand(limits: Limits, creation: string): string[] {
  const script = `${SET_UP}cat ${TOOLS}/setup-$1`;
  return ["/bin/sh", "-c", script, "sandpiper", creation, ...toSetupArguments(limits)];
}

/** Says what came of setting up; see {@link readSetup}. */
export function toAskSetupCommand(creation: string): string[] {
  return ["/bin/sh", "-c", `${WAIT}cat "$done"`, "sandpiper", creation];
}

function toSetupArguments({ diskMiB, maxProcesses }: Limits): string[] {
  const limits = [String(diskMiB * 2048), String(maxProcesses + OWN_PROCESSES)];
  return [SCRIPTS.shell, SCRIPTS.perl, START_PERL, KILL_ALL, ...limits];
}

/**
 * Whether the sandbox has perl, from what that command said.
 * @throws {SandboxError} `invalid` when the image can't be used
 */
export function readSetup(said: string): Setup {
  if (said.includes(MARKS.perl)) return { hasPerl: true };
  if (said.includes(MARKS.shell)) return { hasPerl: false };
  const [, why] = /^sandpiper-failed (.*)$/m.exec(said) ?? [];
  const reason = why ?? (said.trim().slice(0, 300) || "its /bin/sh did not run");
  throw new SandboxError("invalid", `The image can't be used: ${reason}. Choose another image.`);
}

/** What to run as root after an image was mounted: what was under way in the sandbox that it comes from is over. */
export const AFTER_MOUNT_COMMAND = [
  "/bin/sh",
  "-c",
  `cd ${ROOT} && mkdir -p ${FOLDERS.workspace} ${FOLDERS.private} && rm -rf -- ${FOLDERS.private}/* && echo mounted`,
] as const;

/** What says whether there is perl, in a sandbox that was set up before. */
export const HAS_PERL_COMMAND = ["/bin/sh", "-c", `command -v perl >/dev/null && echo ${MARKS.perl}; exit 0`] as const;
