// Programs to put in front of a call, so that it meets a machine that is unlike this one. None needs root.

/** A machine without bubblewrap: an empty file that nobody may execute stands in its place. */
export const WITHOUT_BWRAP: readonly string[] = hide("bwrap");

/** An ordinary user: one without root's way past permissions, who may make user namespaces. */
export const AS_ORDINARY_USER: readonly string[] = ["unshare", "--user", "--map-user=1000", "--map-group=1000"];

/** An ordinary user of a kernel that allows no more user namespaces. */
export const WITHOUT_USER_NAMESPACES: readonly string[] = [
  ...AS_ORDINARY_USER,
  "--keep-caps",
  "sh",
  "-c",
  'echo 0 >/proc/sys/user/max_user_namespaces; exec setpriv --inh-caps=-all "$@"',
  "sh",
];

/** A machine that has no daemon's socket. */
export const WITHOUT_DAEMONS: readonly string[] = ["bwrap", "--dev-bind", "/", "/", "--tmpfs", "/run"];

/** Root of a container that has no other users. */
export const AS_LONELY_ROOT: readonly string[] = ["unshare", "--user", "--map-root-user"];

function hide(program: string): readonly string[] {
  const places = ["/usr/local/bin", "/usr/bin", "/bin"].map((folder) => `${folder}/${program}`);
  const line = `
for place in ${places.join(" ")}; do
  if [ -e "$place" ] && [ ! -L "\${place%/*}" ]; then set -- --ro-bind /dev/null "$place" "$@"; fi
done
exec bwrap --dev-bind / / "$@"`;
  return ["sh", "-c", line, "sh"];
}

/** A machine where `folder` can be read but not written. */
export function withReadOnly(folder: string): readonly string[] {
  return ["bwrap", "--dev-bind", "/", "/", "--ro-bind", folder, folder];
}

/** A machine where `folder`, empty at first, is on a disk of that size. */
export function withSmallDisk(folder: string, sizeMiB: number): readonly string[] {
  return ["bwrap", "--dev-bind", "/", "/", "--size", String(sizeMiB * 1024 ** 2), "--tmpfs", folder];
}
