import { SandboxError } from "../../core/sandbox-error.ts";
import { quoteForShell } from "../posix/shell-quote.ts";
import { SCRIPTS } from "../posix/supervise.ts";
import { INIT_SCRIPT, KILL_ALL } from "./init-script.ts";
import { PERL_RELAY, SHELL_RELAY, TERMINAL_SCRIPT } from "./relay-script.ts";
import { toShellCommand } from "./shell-command.ts";

/** For the supervisor of a command, and of one that moves files meanwhile. */
const OWN_PROCESSES = 2;

const READY = "sandpiper-ready:";

/** Starts what watches over the disk; $tools/watch has its arguments. */
const START_WATCH = `
read -r limit home user <"$tools/watch"
if command -v setsid >/dev/null; then new=setsid; else new=; fi
$new sh "$tools/init.sh" "$limit" "$home" "$user" </dev/null >/dev/null 2>&1 &
`;

/**
 * Makes a fresh sandbox ready, as the user of Daytona's program: folders, the user of commands, and the scripts that start
 * them. $1 is KiB that the user's folders may hold, $2 most processes; pairs of a file's name and its text follow.
 * SANDPIPER_VARIABLES is the script with the sandbox's own variables. A snapshot that was made of a sandbox has that one's
 * workspace: a new one begins with an empty one, with the old one put aside.
 *
 * As root, commands are given a user of their own, so that they can't touch what limits and serves them. Who may not change
 * users in a user namespace with one user alone makes another around the command; busybox, as of Alpine, has neither tool
 * for that, but su. Else (Daytona's own images have a user "daytona", who may become root by sudo) commands are that user,
 * as they are in Daytona's own terminals, and what limits them keeps out accidents alone.
 */
const SETUP = `
fail() { printf 'sandpiper-failed %s\\n' "$1"; exit 1; }
umask 022
variables=$SANDPIPER_VARIABLES path=$PATH disk=$1 processes=$2
unset SANDPIPER_VARIABLES
shift 2
case $path in *"'"*) path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ;; esac
if [ "$(id -u)" = 0 ]; then base= home=/home/sandbox; else base=$HOME home=$HOME; fi
root=$base/sandpiper tools=$base/.sandpiper
if [ -e "$root" ]; then rm -rf -- "$root.earlier" && mv -- "$root" "$root.earlier"; fi
rm -rf -- "$tools"
mkdir -p "$root/workspace" "$root/private" "$home" "$tools/commands" "$tools/spool" ||
  fail "the folder \${base:-/} cannot be written to"
chmod 700 "$root/private" "$tools/commands"
chmod 1777 "$tools/spool"
id= become=
if [ -z "$base" ]; then
  id=1000
  find_name() { while IFS=: read -r name rest uid more; do [ "$uid" != $id ] || return 0; done </etc/passwd; return 1; }
  if ! find_name 2>/dev/null; then
    name=sandbox
    echo "sandbox:x:$id:$id::$home:/bin/sh" >>/etc/passwd
  fi
  rights="--no-new-privs --inh-caps=-all"
  if chown $id:$id "$root/workspace" "$root/private" "$home" 2>/dev/null &&
    setpriv --reuid $id --regid $id --clear-groups $rights true 2>/dev/null; then
    become="$(command -v setpriv) --reuid $id --regid $id --clear-groups $rights"
  elif unshare --user --map-user=$id --map-group=$id true 2>/dev/null; then
    become="$(command -v unshare) --user --map-user=$id --map-group=$id"
    if setpriv --no-new-privs true 2>/dev/null; then become="$become $(command -v setpriv) --no-new-privs"; fi
  elif su -p -s /bin/sh -c true -- "$name" >/dev/null 2>&1; then
    become="$(command -v su) -p -s /bin/sh -c 'exec \\"\\$@\\"' -- $name sandpiper"
  else
    fail "it has none of setpriv, unshare and su"
  fi
fi
while [ $# -gt 1 ]; do
  printf %s "$2" >"$tools/$1" || fail "its disk is full"
  shift 2
done
(umask 077; printf '%s\\n' "export PATH='$path'" "$variables" >"$tools/variables.sh"
printf '%s\\n' "ulimit -c 0
ulimit -f $((disk * 2)) 2>/dev/null
ulimit -n 4096 2>/dev/null
ulimit -u $processes 2>/dev/null || ulimit -p $processes
if [ -t 0 ] && [ -n '$id' ]; then chown '$id' \\"\\$(tty)\\" 2>/dev/null; fi
exec $become \\"\\$@\\"" >"$tools/enter.sh"
printf '%s\\n' "$disk $home $id" >"$tools/watch") || fail "its disk is full"
${START_WATCH}
echo "${READY}$base"
`;

/** Finds what {@link SETUP} has made, and with $1 = again starts anew what has ended since with the sandbox's stop. */
const ATTACH = `
if [ -d /.sandpiper ]; then base=; else base=$HOME; fi
tools=$base/.sandpiper
[ -s "$tools/enter.sh" ] || { echo "sandpiper-failed it was not set up"; exit 1; }
if [ "$1" = again ]; then
  rm -rf -- "$base"/sandpiper/private/* "$tools"/commands/* "$tools"/spool/*
  ${START_WATCH}
fi
echo "${READY}$base"
`;

/** What a sandbox is to be made ready for. */
export interface SetupRequest {
  readonly diskMiB: number;
  readonly maxProcesses: number;
  /** Of every command. */
  readonly env: Readonly<Record<string, string>>;
}

/** A command line for the shell of Daytona's program; see {@link readBase}. */
export function toSetupCommand({ diskMiB, maxProcesses, env }: SetupRequest): string {
  const own = `${toExports({ LANG: "C.UTF-8" })}${SET_HOME}${toExports(env)}`;
  const files = {
    "init.sh": INIT_SCRIPT,
    "kill-all.sh": KILL_ALL,
    "relay.sh": SHELL_RELAY,
    "relay.pl": PERL_RELAY,
    "terminal.sh": TERMINAL_SCRIPT,
    "supervise.sh": SCRIPTS.shell,
    "supervise.pl": SCRIPTS.perl,
  };
  const limits = [String(diskMiB * 1024), String(maxProcesses + OWN_PROCESSES)];
  const argv = ["/bin/sh", "-c", SETUP, "sandpiper", ...limits, ...Object.entries(files).flat()];
  return `${toExports({ SANDPIPER_VARIABLES: own })}${toShellCommand(argv)}`;
}

const SET_HOME = `if [ "$(id -u)" = 0 ]; then export HOME=/home/sandbox USER=sandbox LOGNAME=sandbox; fi\n`;

/**
 * The same for a sandbox that has been set up.
 * @param isAfterStop whether it has been stopped since
 */
export function toAttachCommand(isAfterStop: boolean): string {
  return toShellCommand(["/bin/sh", "-c", ATTACH, "sandpiper", isAfterStop ? "again" : ""]);
}

/** Lines of a shell that set variables, which then appear on no command line. */
export function toExports(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => `export ${name}=${quoteForShell(value)}\n`)
    .join("");
}

/**
 * Where things are in the sandbox, from what those commands said; for `toLayout`.
 * @throws {SandboxError} `invalid` when the image can't be used
 */
export function readBase(said: string): string {
  const [, base] = new RegExp(`^${READY}(|/.*)$`, "m").exec(said) ?? [];
  if (base !== undefined) return base;
  const [, why] = /^sandpiper-failed (.*)$/m.exec(said) ?? [];
  const reason = why ?? (said.trim().slice(0, 300) || "its /bin/sh did not run");
  throw new SandboxError("invalid", `The image can't be used: ${reason}. Choose another image.`);
}
