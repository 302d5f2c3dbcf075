/** What the first process of a sandbox, or one of root's in it, watches over. */
export interface DiskWatch {
  /** Absolute; what is in them counts together. */
  readonly folders: readonly string[];
  /** Of whoever commands run as: a number, or a word of the shell that becomes it. */
  readonly userId: string;
  /** Absolute path of the file that says what happened, see {@link explainDiskFull}. */
  readonly fullFile: string;
}

/** Ends every process of that user, by builtins alone, as there may be no room for another process. For root. */
export function toKillAllScript(userId: string): string {
  return `
for status in /proc/[0-9]*/status; do
  while read -r key uid rest; do
    if [ "$key" != Uid: ]; then continue; fi
    if [ "$uid" = "${userId}" ]; then
      pid=\${status#/proc/}
      kill -KILL "\${pid%/status}"
    fi
    break
  done <"$status"
done 2>/dev/null
`;
}

/**
 * For any `sh` (dash, busybox, bash), as root; $1 is what the folders may hold, in KiB. Ends every command when that is
 * passed, again only when more has come since, so that cleaning up is possible. It never ends.
 */
export function toDiskWatchScript({ folders, userId, fullFile }: DiskWatch): string {
  return `
limit=$1 killed=0 pause=3
while :; do
  sleep "$pause" || command eval 'read -r now rest </proc/uptime'
  read -r before rest </proc/uptime
  used=0
  for word in $(du -sk ${folders.join(" ")} 2>/dev/null); do
    case $word in *[!0-9]*) ;; *) used=$((used + word)) ;; esac
  done
  if [ "$used" -le "$limit" ]; then
    killed=0
    if [ -e ${fullFile} ]; then rm -f ${fullFile}; fi
  elif [ "$killed" -lt 0 ]; then killed=$used
  elif [ "$used" -gt "$((killed + 1024))" ]; then
    killed=-1
    echo "$used $limit" >${fullFile}
    ${toKillAllScript(userId)}
  fi
  read -r now rest </proc/uptime
  # Large trees take long to measure; a tenth of the time is enough for it.
  pause=$((3 + 10 * (\${now%%.*} - \${before%%.*})))
done
`;
}

/** Why commands were ended, for people, from what the watcher wrote; undefined when they were not. */
export function explainDiskFull(said: string): string | undefined {
  const [usedKiB, limitKiB] = said.trim().split(" ").map(Number);
  if (!usedKiB || !limitKiB) return undefined;
  return (
    `The sandbox stores ${Math.ceil(usedKiB / 1024)} MiB, more than its limit of ${limitKiB / 1024} MiB, so its commands ` +
    "were ended. Delete files in it or raise the limit."
  );
}
