import { mkdir, rename } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { ServerError, Status } from "nice-grpc";
import type { ImageStore } from "./images.ts";
import { newId } from "./ids.ts";
import type { Machine } from "../shared/machine.ts";
import { BASE_ENV, type EmulatedSandbox } from "./sandbox.ts";
import { COPY_LIVE } from "../shared/trees.ts";

/** The image is the overlay's lower layer; where overlays can't be stacked, as in a container, it is copied. */
const MOUNT = `
path=$0 lower=$1 own=$2
mkdir -p "$path" || exit
if [ -z "$lower" ]; then exec mount --bind "$own/upper" "$path"; fi
chmod --reference="$lower" "$own/upper"
options="lowerdir=$lower,upperdir=$own/upper,workdir=$own/work,userxattr"
mount -t overlay overlay -o "$options" "$path" 2>/dev/null ||
  { cp -a "$lower/." "$own/upper" && mount --bind "$own/upper" "$path"; }
`;

/** Saves a folder of a sandbox as an image: all its files as they are seen inside, mounted ones too. Returns its id. */
export async function saveDirectory(
  sandbox: EmulatedSandbox,
  images: ImageStore,
  { directory, ttlSeconds }: { readonly directory: string; readonly ttlSeconds: number | undefined },
): Promise<string> {
  const machine = await sandbox.machine();
  const isThere = await run(machine, ["test", "-d", directory]);
  if (isThere.code !== 0) throw new ServerError(Status.INVALID_ARGUMENT, `${directory} is not a directory.`);
  const name = newId("save", 8);
  const copy = path.join(sandbox.parts.folder, "mounts", name);
  await mkdir(copy);
  // Inside, where links and owners mean what they mean there.
  const copied = await run(machine, ["sh", "-c", COPY_LIVE, directory, `/__modal/mounts/${name}`]);
  if (copied.code !== 0) throw new ServerError(Status.INTERNAL, `Could not save: ${copied.stderr}`);
  return images.save({
    kind: "saved",
    ttlSeconds,
    inherited: sandbox.parts.surroundings,
    fill: (folder) => rename(copy, folder),
  });
}

/** Lets the files of an image appear at a path, in the place of what is there; without an image, nothing. */
export async function mountImage(
  sandbox: EmulatedSandbox,
  images: ImageStore,
  { directory, imageId }: { readonly directory: string; readonly imageId: string },
): Promise<void> {
  const files = imageId === "" ? undefined : images.filesOf(imageId);
  const machine = await sandbox.machine();
  const name = newId("mount", 8);
  const own = path.join(sandbox.parts.folder, "mounts", name);
  for (const part of ["upper", "work"]) await mkdir(path.join(own, part), { recursive: true });
  const lower = files === undefined ? "" : `/__modal/images/${imageId}`;
  const mounted = await run(machine, ["sh", "-c", MOUNT, directory, lower, `/__modal/mounts/${name}`]);
  if (mounted.code !== 0) throw new ServerError(Status.FAILED_PRECONDITION, `Could not mount: ${mounted.stderr}`);
  images.hold(imageId);
  sandbox.mounts.push({ directory, imageId });
}

/** What was there before appears again. @throws FAILED_PRECONDITION when nothing is mounted, or a command is inside. */
export async function unmountImage(sandbox: EmulatedSandbox, images: ImageStore, directory: string): Promise<void> {
  const index = sandbox.mounts.findLastIndex((mount) => mount.directory === directory);
  const mount = sandbox.mounts[index];
  if (!mount) throw new ServerError(Status.FAILED_PRECONDITION, `Nothing is mounted at ${directory}.`);
  const done = await run(await sandbox.machine(), ["umount", directory]);
  if (done.code !== 0) throw new ServerError(Status.FAILED_PRECONDITION, `Could not unmount: ${done.stderr}`);
  sandbox.mounts.splice(index, 1);
  await images.release(mount.imageId);
}

async function run(machine: Machine, argv: readonly string[]): Promise<{ code: number; stderr: string }> {
  const process = await machine.start({ argv, env: BASE_ENV, workdir: "/" });
  process.stdin.end();
  process.stdout.resume();
  const [{ code }, stderr] = await Promise.all([process.ended, text(process.stderr)]);
  return { code: code ?? 128, stderr };
}
