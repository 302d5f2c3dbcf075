import { HOME, ROOT, TOOLS, USER_ID } from "./layout.ts";

/** What the first process writes when it ends commands because of the disk: KiB found, then the limit. */
export const DISK_FULL_FILE = `${TOOLS}/disk-full`;

/** Ends every process of the user of commands, by builtins alone, as there may be no room for another process. */
export const KILL_ALL = `
for status in /proc/[0-9]*/status; do
  while read -r key uid rest; do
    if [ "$key" != Uid: ]; then continue; fi
    if [ "$uid" = ${USER_ID} ]; then
      pid=\${status#/proc/}
      kill -KILL "\${pid%/status}"
    fi
    break
  done <"$status"
done 2>/dev/null
`;

/**
 * The first process of a sandbox, for any \`sh\` (dash, busybox, bash); $1 is what the folders of its user may hold, in
 * KiB, for which Modal has no limit of its own. Ends every command when that is passed, again only when more has come
 * since, so that cleaning up is possible. It never ends: the sandbox would end with it, before its time.
 */
export const INIT_SCRIPT = `
limit=$1 killed=0 pause=3
while :; do
  sleep "$pause" || command eval 'read -r now rest </proc/uptime'
  read -r before rest </proc/uptime
  used=0
  for word in $(du -sk ${ROOT} ${HOME} /tmp /var/tmp 2>/dev/null); do
    case $word in *[!0-9]*) ;; *) used=$((used + word)) ;; esac
  done
  if [ "$used" -le "$limit" ]; then
    killed=0
    if [ -e ${DISK_FULL_FILE} ]; then rm -f ${DISK_FULL_FILE}; fi
  elif [ "$killed" -lt 0 ]; then killed=$used
  elif [ "$used" -gt "$((killed + 1024))" ]; then
    killed=-1
    echo "$used $limit" >${DISK_FULL_FILE}
    ${KILL_ALL}
  fi
  read -r now rest </proc/uptime
  # Large trees take long to measure; a tenth of the time is enough for it.
  pause=$((3 + 10 * (\${now%%.*} - \${before%%.*})))
done
`;
