// POSIX sh, run in the WSL distribution as its default user, outside of any sandbox. Lines for us begin with "sandpiper".

/** Arguments: folders of the root, then "--", then other paths. Tells what the distribution has, or why it will not do. */
export const CHECK = String.raw`
say() { printf 'sandpiper %s\n' "$*"; }
refuse() { say refused "$@"; exit 0; }
case $(uname -r) in *WSL2*) ;; *Microsoft*) refuse wsl1 ;; esac
if [ "$(id -u)" = 0 ]; then refuse root; fi
for manager in apt-get dnf pacman zypper apk none; do command -v "$manager" >/dev/null && break; done
for tool in bwrap base64 timeout mkfifo tar find xargs; do
  command -v "$tool" >/dev/null || refuse missing "$manager" "$tool"
done
bwrap=$(command -v bwrap)
said=$("$bwrap" --unshare-all --unshare-user --ro-bind / / --proc /proc --dev /dev true 2>&1 </dev/null) ||
  refuse probe "$(printf %s "$said" | head -n 1)"
say bwrap "$bwrap"
say state "\${XDG_STATE_HOME:-$HOME/.local/state}/sandpiper/local"
case $("$bwrap" --help 2>&1 </dev/null) in *--disable-userns*) say can disable-userns ;; esac
if [ -x /usr/bin/perl ]; then say can perl; fi
while [ "$1" != -- ]; do
  if [ -L "/$1" ]; then say link "/$1" "$(readlink "/$1")"; elif [ -d "/$1" ]; then say bind "/$1" "/$1"; fi
  shift
done
shift
for path; do
  if [ -e "$path" ]; then say bind "$path" "$(readlink -f "$path")"; fi
done
say end
`.replaceAll("\\$", "$");

/** Reads its orders, a script in base64, from the first line of stdin; the rest is the command's. Not stdin as a script: shells read ahead. */
const ENTER = `IFS= read -r order; eval "$(printf %s "$order" | base64 -d)"\n`;

/** $1 the sandbox's folder; then pairs of a path below its etc and a text. */
export const CREATE = String.raw`
folder=$1
shift
umask 022
trap '[ -e "$folder/enter.sh" ] || rm -rf -- "$folder"' EXIT
mkdir -p -- "$folder/etc/sandpiper" && chmod 700 "$folder" || exit 1
mkdir -- "$folder/runs" "$folder/tmp" "$folder/home" "$folder/home/workspace" "$folder/home/.sandpiper" || exit 1
while [ $# -gt 1 ]; do
  printf %s "$2" >"$folder/etc/$1" || exit 1
  shift 2
done
printf %s '${ENTER.replaceAll("'", String.raw`'\''`)}' >"$folder/enter.sh" && echo sandpiper end
`;

/**
 * $1 the sandbox's folder, $2 name of the run, $3 nonce, $4 seconds that are left, $5 MiB of disk, $6 options of
 * bubblewrap in base64, $7 bubblewrap; then the command for it. Control lines come by a named pipe, which is
 * held open on both sides by whoever has it: nobody waits for anybody.
 */
export const RUN = String.raw`
folder=$1 run=$1/runs/$2 nonce=$3 seconds=$4 limit=$5 options=$6 bwrap=$7
shift 7
umask 077
cd "$folder/runs" || exit 1
mkfifo "$run.control" && exec 3<>"$run.control" || exit 1
printf '%s\n' "$nonce" >&3
printf %s "$options" | base64 -d >"$run.options" && exec 4<"$run.options" || exit 1
rm -f "$run.options"
echo $$ >"$run.pid"
(
  # By exec, since the shell would keep what it redirects for a while, and thereby the command's streams open.
  exec </dev/null >/dev/null 2>&1 3>&- 4>&-
  while kill -0 $$; do
    used=$(du -skx "$folder/home" "$folder/tmp" | { sum=0; while read -r size path; do sum=$((sum + size)); done; echo $sum; })
    if [ "$used" -gt $((limit * 1024)) ]; then : >"$run.full"; kill -KILL $$; fi
    sleep 2
  done
  rm -f "$run.control" "$run.pid"
) &
cd /
umask 022
exec timeout -s KILL "$seconds" "$bwrap" --args 4 "$@"
`;

/** In the sandbox: tells the host on stdout, before anything of the command's, that the sandbox stands. */
export const ANNOUNCE = 'echo started; exec "$@"';

/** $1 folder and name of a run, $2 a control line. */
export const TELL = String.raw`if [ -p "$1.control" ]; then printf '%s\n' "$2" 1<>"$1.control"; fi`;

/** $1 folder and name of a run: ends it whatever its supervisor does. */
export const KILL = String.raw`if read -r pid <"$1.pid"; then kill -KILL "$pid"; fi 2>/dev/null; exit 0`;

/** $1 folder and name of a run: whether it was ended for what it wrote. */
export const IS_FULL = String.raw`[ -e "$1.full" ]`;

/** $1 the sandbox's folder. */
export const REMOVE = String.raw`
for file in "$1"/runs/*.pid; do
  if read -r pid <"$file"; then kill -KILL "$pid"; fi
done 2>/dev/null
for try in 1 2 3 4 5; do
  rm -rf -- "$1" 2>/dev/null && exit 0
  chmod -R u+rwX -- "$1" 2>/dev/null
  sleep 1
done
rm -rf -- "$1"
`;
