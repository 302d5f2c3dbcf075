import type { Mount } from "./root-mounts.ts";

/** What root needs in front of the unprivileged bubblewrap that makes the sandbox. */
export interface RootStage {
  readonly unshare: string;
  readonly setpriv: string;
  /** The host's uid and gid to become. */
  readonly uid: number;
  /** The sandbox's own; has in `shown/` a place for each mount that is not in it. */
  readonly folder: string;
}

// In a mount namespace of its own, where nobody else sees it. No process stays in between: the kernel does not let one
// without CAP_KILL, as bubblewrap makes itself, take a child of another user along when it is killed.
const STAGE = `
folder=$1 setpriv=$2 id=$3
shift 3
# Before /tmp is covered: what is to be shown may lie in it.
number=0
while [ "$1" != -- ]; do
  mount --bind "$1" "$folder/shown/$number" || exit 1
  number=$((number + 1))
  shift
done
shift
mount --rbind "$folder" /tmp || exit 1
exec "$setpriv" --reuid "$id" --regid "$id" --clear-groups "$@"
`;

/**
 * For root: shows the private sources of mounts in /tmp of a mount namespace, since the unprivileged user that the sandbox
 * runs as cannot reach them by their own paths. Root itself would be too much even inside namespaces: it owns files of
 * the host, and no process limit binds it. Returns what to put in front of bubblewrap, and the mounts as that sees them.
 */
export function dropRoot(mounts: readonly Mount[], stage: RootStage): { argv: string[]; mounts: Mount[] } {
  const shown: string[] = [];
  const seen = mounts.map((mount): Mount => {
    if (mount.kind === "link" || mount.reachable) return mount;
    if (mount.source.startsWith(`${stage.folder}/`))
      return { ...mount, source: `/tmp${mount.source.slice(stage.folder.length)}` };
    return { ...mount, source: `/tmp/shown/${shown.push(mount.source) - 1}` };
  });
  const settings = [stage.folder, stage.setpriv, String(stage.uid), ...shown, "--"];
  const argv = [stage.unshare, "--mount", "--propagation", "private", "/bin/sh", "-c", STAGE, "sandpiper", ...settings];
  return { argv, mounts: seen };
}
