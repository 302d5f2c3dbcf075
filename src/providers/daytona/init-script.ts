/** In the folder of tools: what the watch over the disk writes when it ends commands, KiB found, then the limit. */
export const DISK_FULL_NAME = "disk-full";

/**
 * Ends every command, by builtins alone: there may be no room for another process. Lies in the folder of tools. $1 is the
 * number of the user of commands; left out where that is also the user of Daytona's program, which has to live on.
 */
export const KILL_ALL = `
if [ -z "$1" ]; then
  for file in "\${0%/*}"/../sandpiper/private/*.pid; do
    read -r group rest <"$file" || continue
    # The supervisor first: what it told of the end would hide the reason.
    read -r stat <"/proc/$group/stat" && set -- $(echo "\${stat##*)}") && [ "$2" -gt 1 ] && kill -KILL "$2"
    kill -KILL "-$group"
  done 2>/dev/null
  exit 0
fi
for status in /proc/[0-9]*/status; do
  while read -r key uid rest; do
    if [ "$key" != Uid: ]; then continue; fi
    if [ "$uid" = "$1" ]; then
      pid=\${status#/proc/}
      kill -KILL "\${pid%/status}"
    fi
    break
  done <"$status"
done 2>/dev/null
exit 0
`;

/**
 * Watches over the disk, for any \`sh\` (dash, busybox, bash). Lies in the folder of tools. $1 is what the folders of the
 * user of commands may hold on top of what was there at first, in KiB, $2 that user's home, $3 is for KILL_ALL. Daytona's
 * own limit is that of the whole machine, in steps of GiB. Ends every command when it is passed, again only when more has
 * come since, so that cleaning up is possible.
 */
export const INIT_SCRIPT = `
limit=$1 home=$2 user=$3 killed=0 pause=3
tools=\${0%/*}
full=$tools/${DISK_FULL_NAME}
measure() {
  used=0
  for word in $(du -sk "$tools/../sandpiper" "$home" /tmp /var/tmp 2>/dev/null); do
    case $word in *[!0-9]*) ;; *) used=$((used + word)) ;; esac
  done
}
if [ ! -s "$tools/disk-before" ]; then
  measure
  echo "$used" >"$tools/disk-before"
fi
read -r before_us <"$tools/disk-before"
while :; do
  sleep "$pause"
  read -r started rest </proc/uptime
  measure
  used=$((used - before_us))
  if [ "$used" -le "$limit" ]; then
    killed=0
    if [ -e "$full" ]; then rm -f "$full"; fi
  elif [ "$killed" -lt 0 ]; then killed=$used
  elif [ "$used" -gt "$((killed + 1024))" ]; then
    killed=-1
    echo "$used $limit" >"$full"
    /bin/sh "$tools/kill-all.sh" "$user"
  fi
  read -r now rest </proc/uptime
  # Large trees take long to measure; a tenth of the time is enough for it.
  pause=$((3 + 10 * (\${now%%.*} - \${started%%.*})))
done
`;
