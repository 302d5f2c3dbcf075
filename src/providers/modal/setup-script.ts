import { SandboxError } from "../../core/sandbox-error.ts";
import type { SandboxSpec } from "../../core/provider.ts";
import { SCRIPTS, type ScriptPaths } from "../posix/supervise.ts";
import { KILL_ALL } from "./init-script.ts";
import { FOLDERS, HOME, ROOT, TOOLS, USER_ID } from "./layout.ts";

/** Where the supervisor is in a sandbox. */
export const SCRIPT_PATHS: ScriptPaths = { shell: `${TOOLS}/supervise.sh`, perl: `${TOOLS}/supervise.pl` };

/** Becomes the user of commands, under their limits, and runs its arguments. */
export const ENTER = ["/bin/sh", `${TOOLS}/enter.sh`] as const;

/** Ends every command. */
export const KILL_ALL_COMMAND = ["/bin/sh", `${TOOLS}/kill-all.sh`] as const;

/** For the supervisor of a command, and of one that moves files meanwhile. */
const OWN_PROCESSES = 2;

const MARKS = { perl: "sandpiper-ready perl", shell: "sandpiper-ready shell" } as const;

/**
 * Makes a fresh sandbox ready, as root: folders, the user of commands, and the scripts that start them. $1 and $2 are the
 * supervisor's scripts, $3 the script that ends everything, $4 the largest file in blocks of 512 bytes, $5 most processes.
 * Commands are not root, so that they can't touch what limits them. Who may not change users in a user namespace with one
 * user alone makes another around the command.
 */
const SETUP = `
fail() { printf 'sandpiper-failed %s\\n' "$1"; exit 1; }
umask 022
[ "$(id -u)" = 0 ] || fail "it does not run as root"
mkdir -p ${TOOLS} ${FOLDERS.workspace} ${FOLDERS.private} ${HOME} || fail "its root folder cannot be written to"
id=${USER_ID}
if chown $id:$id ${FOLDERS.workspace} ${FOLDERS.private} ${HOME} 2>/dev/null &&
  setpriv --reuid $id --regid $id --clear-groups --no-new-privs --inh-caps=-all true 2>/dev/null; then
  become="setpriv --reuid $id --regid $id --clear-groups --no-new-privs --inh-caps=-all"
elif unshare --user --map-user=$id --map-group=$id true 2>/dev/null; then
  become="unshare --user --map-user=$id --map-group=$id"
  if setpriv --no-new-privs true 2>/dev/null; then become="$become setpriv --no-new-privs"; fi
else
  fail "it has neither setpriv nor unshare"
fi
chmod 700 ${FOLDERS.private}
if ! grep -q "^[^:]*:[^:]*:$id:" /etc/passwd 2>/dev/null; then
  echo "sandbox:x:$id:$id::${HOME}:/bin/sh" >>/etc/passwd
fi
printf %s "$1" >${SCRIPT_PATHS.shell}
printf %s "$2" >${SCRIPT_PATHS.perl}
printf %s "$3" >${TOOLS}/kill-all.sh
rm -f ${TOOLS}/disk-full
cat >${TOOLS}/enter.sh <<END || fail "its disk is full"
ulimit -c 0
ulimit -f $4 2>/dev/null
ulimit -n 4096 2>/dev/null
ulimit -u $5 2>/dev/null || ulimit -p $5
case \\$HOME in "" | / | /root) HOME=${HOME} && export HOME ;; esac
exec $become "\\$@"
END
for perl in /usr/bin/perl /usr/local/bin/perl "$(command -v perl 2>/dev/null)"; do
  if [ -n "$perl" ] && [ -x "$perl" ]; then echo "${MARKS.perl}"; exit 0; fi
done
echo "${MARKS.shell}"
`;

/** What to run as root in a fresh sandbox. */
export function toSetupCommand({ diskMiB, maxProcesses }: Pick<SandboxSpec, "diskMiB" | "maxProcesses">): string[] {
  const limits = [String(diskMiB * 2048), String(maxProcesses + OWN_PROCESSES)];
  return ["/bin/sh", "-c", SETUP, "sandpiper", SCRIPTS.shell, SCRIPTS.perl, KILL_ALL, ...limits];
}

/**
 * Whether the sandbox has perl, from what that command said.
 * @throws {SandboxError} `invalid` when the image can't be used
 */
export function readSetup(said: string): { readonly hasPerl: boolean } {
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
