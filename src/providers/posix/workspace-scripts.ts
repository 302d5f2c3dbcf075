// What runs inside the sandbox to bring files in and out. POSIX sh with GNU or busybox tools; names travel NUL-separated
// or as arguments, never inside a script. $1 is the workspace, $2 the private folder: beside it, on its file system.

/** Name of the member that the list of deletes travels as, in front of the caller's archive; not a name a workspace can have at its root. */
export const DELETES_MEMBER = ".sandpiper-deletes";

/** Removes its arguments; not through a link, behind which is something else than what was meant. */
export const DELETE = String.raw`
through_link() {
  parent=$1
  while case $parent in */*) true ;; *) false ;; esac; do
    parent=\${parent%/*}
    if [ -L "$parent" ]; then return 0; fi
  done
  return 1
}
for path; do
  if through_link "$path"; then continue; fi
  rm -rf -- "$path" || exit 1
done
`.replaceAll("\\$", "$");

/**
 * $3 is {@link DELETE}; stdin is a tar. Unpacks beside the workspace, then renames into it: whole subtrees where nothing is in the way, else
 * file by file, so that every path is at each moment the old or the new one. Links in the place of folders are replaced.
 * Ends with a marker whose time is before that of any later change.
 */
export const APPLY = String.raw`
workspace=$1 private=$2
die() { printf '%s\n' "$1" >&2; exit 1; }
mkdir -p -- "$private" && cd -- "$private" || die "The folder $private cannot be used."
umask 022
rm -rf -- ./staging.*
staging=$private/staging.$$
mkdir -- "$staging" || die "No room in the sandbox."
trap 'rm -rf -- "$staging"' EXIT
tar -x -o -f - -C "$staging" || die "The files could not be unpacked."
cd -- "$workspace" || die "The workspace is gone."

is_folder() { [ -d "$1" ] && [ ! -L "$1" ]; }
merge() (
  from=$1 to=$2
  set --
  if [ ! -w "$to" ]; then chmod u+rwx "$to"; fi
  for entry in "$from"/* "$from"/.[!.]* "$from"/..?*; do
    if [ ! -e "$entry" ] && [ ! -L "$entry" ]; then continue; fi
    target=$to/\${entry##*/}
    if is_folder "$target"; then
      if is_folder "$entry"; then merge "$entry" "$target" || exit 1; continue; fi
      rm -rf -- "$target" || exit 1
    elif is_folder "$entry"; then
      rm -f -- "$target" || exit 1
    fi
    set -- "$@" "$entry"
    if [ $# -ge 200 ]; then mv -f -- "$@" "$to/" || exit 1; set --; fi
  done
  if [ $# -gt 0 ]; then mv -f -- "$@" "$to/" || exit 1; fi
)

deletes=$staging/${DELETES_MEMBER}
if [ -f "$deletes" ]; then
  xargs -0 sh -c "$3" sh <"$deletes" >/dev/null || die "Old files could not be removed."
  rm -f -- "$deletes"
fi
merge "$staging" . || die "The files could not be moved into place."

: >"$private/marker" || die "No room in the sandbox."
# The file system's clock ticks every few ms: what changes from here on must bear a later time than the marker.
tries=0
while : >"$private/probe" && [ ! "$private/probe" -nt "$private/marker" ]; do
  tries=$((tries + 1))
  if [ "$tries" -gt 2000 ]; then sleep 1; fi
  if [ "$tries" -gt 2002 ]; then break; fi
done
exit 0
`.replaceAll("\\$", "$");

/** $3 is {@link APPLY}, $4 {@link DELETE}; the archive is the file $5, which is gone as soon as it has been opened. */
export const FROM_FILE = String.raw`
exec <"$5" || exit 1
rm -f -- "$5"
exec /bin/sh -c "$3" sandpiper "$1" "$2" "$4"
`;

/**
 * Writes NUL-ended records: "some" and, per path, a letter and the path ("N" changed after the marker, "D" a folder that
 * was renamed or chmodded after it, "O" neither); or, where find cannot tell times apart or nothing was applied yet,
 * "all" and the paths with "./" in front. Folders without read permission are given it: what is in them is no secret.
 */
export const LIST = String.raw`
workspace=$1 marker=$2/marker
cd -- "$workspace" || exit 1
walk() {
  if [ -e "$marker" ] && find . -maxdepth 0 -cnewer "$marker" -printf '' 2>/dev/null; then
    printf 'some\0'
    find . -mindepth 1 \( -cnewer "$marker" \( -type d ! -newer "$marker" -printf 'D' -o -printf 'N' \) -o -printf 'O' \) -printf '%P\0'
  else
    printf 'all\0'
    find . ! -path . -print0
  fi
}
find . -type d ! -perm -0500 -exec chmod u+rx {} \; 2>/dev/null
walk
`;

/**
 * stdin is the NUL-separated paths; writes their tar. Missing ones are left out, unreadable files are made readable.
 * GNU tar: links to the same inode are written as files of their own; times without fractions, which would cost 1 KiB each.
 * bsdtar (macOS) reads names as well. Other tars (busybox) take names as arguments alone: each batch's end-of-archive is cut off, one is written at the end.
 */
export const COLLECT = String.raw`
cd -- "$1" || exit 1
present() {
  xargs -0 sh -c 'for path; do
    if [ ! -L "$path" ]; then
      if [ ! -f "$path" ] && [ ! -d "$path" ]; then continue; fi
      if [ ! -r "$path" ]; then chmod u+r -- "$path"; fi
    fi
    printf "%s\0" "$path"
  done' sh
}
case $(tar --version 2>/dev/null) in
*GNU*)
  present | tar -c -f - --format=posix --pax-option=delete=atime,delete=ctime,delete=mtime --no-recursion --null \
    --hard-dereference --numeric-owner --warning=no-file-changed --ignore-failed-read --files-from=-
  status=$?
  # 1 is "a file changed while it was read": the reader sees whole entries all the same.
  [ "$status" -le 1 ] || exit "$status" ;;
*bsdtar*) present | tar -c -f - --format=pax --no-recursion --numeric-owner --null -T - ;;
*)
  present | xargs -0 sh -c '[ $# -eq 0 ] || tar -c -f - --no-recursion -- "$@" | head -c -1024' sh &&
    dd if=/dev/zero bs=512 count=2 2>/dev/null ;;
esac
`;
