import type { ProcessSignal, TerminalSize } from "../../core/sandbox.ts";
import { PERL_SUPERVISOR, SHELL_SUPERVISOR } from "./supervisor-script.ts";

/** How a supervised command is tied to the outside. */
export interface Supervision {
  /**
   * From `createNonce`; marks the trailer. Left out when it comes as the first line of the control descriptor; else with
   * plain sh the command can read it off the command line (with perl it cannot).
   */
  readonly nonce?: string;
  /** Absolute path in the sandbox of a file that tells the process group while the command runs; for {@link signalCommand}. */
  readonly pidFile?: string;
  /** An inherited descriptor that takes control lines, see {@link toControlLine}. */
  readonly controlFd?: number;
  /**
   * `direct` hands stdin, stdout and stderr on (with a terminal on stdin, the command gets its foreground); `pipes` and a
   * size relay through pipes or a new terminal, for which the sandbox needs perl. `direct` when left out.
   */
  readonly stdio?: "direct" | "pipes" | TerminalSize;
  /** Absolute folder in the sandbox to start in; inherited when left out. */
  readonly cwd?: string;
  /** Id of the user, and the group, that a supervisor in perl becomes when it is root. */
  readonly userId?: number;
}

/**
 * Becomes the supervisor in perl, $1 being its script or the path of that; goes on where there is no perl. For any `sh`.
 * An own perl in front of PATH, or PERL5OPT, must not break it; the command gets them back.
 */
export const START_PERL = String.raw`
perl_script=$1
shift
for perl in /usr/bin/perl /usr/local/bin/perl elsewhere; do
  if [ "$perl" = elsewhere ]; then perl=$(command -v perl 2>/dev/null); fi
  if [ -n "$perl" ] && [ -x "$perl" ]; then
    if [ -n "\${PERL5OPT+x}" ]; then export SANDPIPER_PERL5OPT="$PERL5OPT"; unset PERL5OPT; fi
    if [ -n "\${PERL5LIB+x}" ]; then export SANDPIPER_PERL5LIB="$PERL5LIB"; unset PERL5LIB; fi
    if [ -f "$perl_script" ]; then exec "$perl" -- "$perl_script" "$@"; fi
    exec "$perl" -e "$perl_script" -- "$@"
  fi
done
`.replaceAll("\\$", "$");

/** Where the scripts are in a sandbox that has them as files, which keeps its list of processes readable. */
export interface ScriptPaths {
  readonly shell: string;
  readonly perl: string;
}

/** The texts of those files. */
export const SCRIPTS: Readonly<Record<keyof ScriptPaths, string>> = {
  shell: START_PERL + SHELL_SUPERVISOR,
  perl: PERL_SUPERVISOR,
};

/** Wraps `argv` for {@link TrailerFilter}: what to run in the sandbox instead. Needs /bin/sh there; uses perl when there is one. */
export function superviseCommand(argv: readonly string[], supervision: Supervision, scripts?: ScriptPaths): string[] {
  const { nonce = "", pidFile = "", controlFd = "", stdio = "direct", cwd = "", userId = "" } = supervision;
  const streams = typeof stdio === "string" ? stdio : `pty:${stdio.columns}x${stdio.rows}`;
  const settings = [nonce, pidFile, String(controlFd), streams, cwd, String(userId)];
  if (scripts) return ["/bin/sh", scripts.shell, scripts.perl, ...settings, ...argv];
  return ["/bin/sh", "-c", SCRIPTS.shell, "sandpiper", SCRIPTS.perl, ...settings, ...argv];
}

/** One line for the control descriptor. */
export function toControlLine(request: ProcessSignal | TerminalSize): string {
  return typeof request === "string" ? `${request}\n` : `SIZE ${request.columns} ${request.rows}\n`;
}

// Waits for the pid file, since a signal may come before the command has started. The foreground job of an interactive
// shell has a group of its own, which field 8 of its stat tells; the name in field 2 may hold spaces.
const SIGNAL = String.raw`
tries=0
until [ -s "$1" ]; do
  tries=$((tries + 1))
  if [ "$tries" -gt 20 ]; then exit 0; fi
  sleep 0.05 2>/dev/null || sleep 1
done
read -r group terminal <"$1" || exit 0
stat=
if [ -r "/proc/$group/stat" ]; then read -r stat <"/proc/$group/stat"; fi
set -- "$2" $(echo "\${stat##*)}")
kill "-$1" "-$group" 2>/dev/null || kill "-$1" "$group" 2>/dev/null
if [ "\${7:-0}" -gt 1 ] 2>/dev/null && [ "$7" != "$group" ]; then kill "-$1" "-$7" 2>/dev/null; fi
exit 0
`.replaceAll("\\$", "$");

/** What to run in the sandbox to signal a supervised command; does nothing once it has ended. */
export function signalCommand(pidFile: string, name: ProcessSignal): string[] {
  return ["/bin/sh", "-c", SIGNAL, "sandpiper", pidFile, name];
}

// By the terminal's own path, which the relay wrote beside the pid.
const RESIZE = String.raw`
read -r group terminal <"$1" || exit 0
[ -n "$terminal" ] || exit 0
stty -F "$terminal" cols "$2" rows "$3" 2>/dev/null ||
  perl -e 'open(my $t, "+<", $ARGV[0]) or exit; ioctl($t, 0x5414, pack("S4", $ARGV[2], $ARGV[1], 0, 0))' "$terminal" "$2" "$3"
# For gVisor, whose terminals do not tell.
kill -WINCH "-$group" 2>/dev/null
exit 0
`;

/** What to run in the sandbox to resize a terminal that the supervisor made; with a provider's own terminal, use the provider. */
export function resizeCommand(pidFile: string, size: TerminalSize): string[] {
  return ["/bin/sh", "-c", RESIZE, "sandpiper", pidFile, String(size.columns), String(size.rows)];
}
