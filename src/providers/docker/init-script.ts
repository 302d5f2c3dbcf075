import { READY_WORD } from "./watch-start.ts";

/** Folders that a sandbox's user can write to and that are not in memory, as words for a shell. */
const WRITABLE_FOLDERS = '/workspace /.sandpiper "$HOME" /var/tmp';

/** A shell command that prints lines of "KiB<tab>folder", together all that a sandbox stores on the host's disk. */
export const DISK_USAGE_COMMAND = `du -sk ${WRITABLE_FOLDERS} 2>/dev/null`;

/** Sums what {@link DISK_USAGE_COMMAND} printed, in KiB. */
export function parseDiskUsage(output: string): number {
  return output.split("\n").reduce((sum, line) => sum + (Number.parseInt(line, 10) || 0), 0);
}

/**
 * The first process of a container, for any `sh` (dash, busybox, bash). $1 is its lifetime in seconds, $2 what its
 * folders may hold in KiB. It needs nobody outside: it ends the container in time, and kills every command when the disk
 * limit is passed (again only when more has come since, so that cleaning up is possible).
 * It runs as process 1 itself, without an init above it: nothing in the container can then kill it, and it reaps orphans.
 * Fork failures (`command eval` survives them) and time are dealt with by builtins alone, so that a fork bomb can't stop
 * the clock. Its first word says that it is in charge. TERM ends the container; USR1 kills every command, for when no other process can be started.
 */
export const INIT_SCRIPT = `
trap 'exit 0' TERM INT
trap 'kill -KILL -1' USR1
echo ${READY_WORD}
read -r now rest </proc/uptime
end=$((\${now%%.*} + $1)) limit=$2 killed=0 pause=5
while read -r now rest </proc/uptime && now=\${now%%.*} && [ "$now" -lt "$end" ]; do
  nap=$((end - now))
  [ "$nap" -lt "$pause" ] || nap=$pause
  command eval 'sleep "$nap" & wait "$!"' 2>/dev/null
  until read -r later rest </proc/uptime && [ "\${later%%.*}" -gt "$now" ]; do :; done
  sizes= used=0
  command eval 'sizes=$(${DISK_USAGE_COMMAND})' 2>/dev/null
  for word in $sizes; do
    case $word in *[!0-9]*) ;; *) used=$((used + word)) ;; esac
  done
  if [ "$used" -le "$limit" ]; then killed=0
  elif [ "$killed" -lt 0 ]; then killed=$used
  elif [ "$used" -gt "$((killed + 1024))" ]; then killed=-1; kill -KILL -1
  fi
  read -r now rest </proc/uptime
  pause=$((5 + 10 * (\${now%%.*} - \${later%%.*})))
done
`;
