import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { withFileLock } from "./file-lock.ts";

const run = promisify(execFile);

/** Debian with Python, Node and git; its ENTRYPOINT fails, so that a provider that forgets to override it does too. */
export const TEST_IMAGE = "sandpiper-test:bookworm";
/** Nothing but busybox: no perl, no bash, no setsid of util-linux. */
export const BUSYBOX_IMAGE = "sandpiper-test:busybox";

/** Where things that take long to make are kept between runs; never inside the checkout. */
export const CACHE_FOLDER = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "sandpiper-test");

const PACKAGES = "python3,nodejs,git,ca-certificates,procps,busybox-static";

// Makes both archives from one debootstrap. $1 is a scratch folder, $2 the package list. The mirror is debootstrap's own.
const BUILD_SCRIPT = `set -e
debootstrap --variant=minbase --include="$2" bookworm "$1/root"
rm -rf "$1"/root/var/cache/apt/* "$1"/root/var/lib/apt/lists/*
mkdir -p "$1/busybox/bin" "$1/busybox/tmp" "$1/busybox/etc"
chmod 1777 "$1/busybox/tmp"
cp "$1/root/bin/busybox" "$1/busybox/bin/busybox"
for applet in $("$1/busybox/bin/busybox" --list); do
  [ "$applet" = busybox ] || ln -s busybox "$1/busybox/bin/$applet"
done
tar -C "$1/root" -cf "$1/bookworm.tar" .
tar -C "$1/busybox" -cf "$1/busybox.tar" .`;

/** Makes sure that the daemon has {@link TEST_IMAGE} and {@link BUSYBOX_IMAGE}. @throws Error with the exact reason when it can't. */
export async function ensureTestImages(socketPath: string): Promise<void> {
  const archives = await ensureArchives();
  await importOnce(socketPath, archives.bookworm, TEST_IMAGE);
  await importOnce(socketPath, archives.busybox, BUSYBOX_IMAGE);
}

/** Just {@link BUSYBOX_IMAGE}, which takes no time. */
export async function ensureBusyboxImage(socketPath: string): Promise<void> {
  await importOnce(socketPath, (await ensureArchives()).busybox, BUSYBOX_IMAGE);
}

async function importOnce(socketPath: string, archive: string, image: string): Promise<void> {
  const host = ["--host", `unix://${socketPath}`];
  const found = await run("docker", [...host, "image", "inspect", image]).then(
    () => true,
    () => false,
  );
  if (found) return;
  await run("docker", [...host, "import", "--change", 'ENTRYPOINT ["/bin/false"]', archive, image]);
}

async function ensureArchives(): Promise<{ bookworm: string; busybox: string }> {
  const version = createHash("sha256").update(BUILD_SCRIPT).update(PACKAGES).digest("hex").slice(0, 12);
  const folder = join(CACHE_FOLDER, `images-${version}`);
  const archives = { bookworm: join(folder, "bookworm.tar"), busybox: join(folder, "busybox.tar") };
  await withFileLock(join(CACHE_FOLDER, "images.lock"), async () => {
    if (!existsSync(folder)) await buildArchives(folder);
  });
  return archives;
}

async function buildArchives(folder: string): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error("The test image is made by debootstrap, which needs root.");
  if (!existsSync("/usr/sbin/debootstrap"))
    throw new Error("The test image is made by debootstrap, which is missing: apt-get install debootstrap");
  // Not under the cache: a killed build then leaves nothing there that looks like an image.
  const scratch = await mkdtemp(join(tmpdir(), "sandpiper-image-"));
  try {
    await run("sh", ["-c", BUILD_SCRIPT, "sh", scratch, PACKAGES], { maxBuffer: 64 << 20 });
    await mkdir(join(scratch, "done"));
    for (const name of ["bookworm.tar", "busybox.tar"]) await rename(join(scratch, name), join(scratch, "done", name));
    await moveFolder(join(scratch, "done"), folder);
  } catch (error) {
    throw new Error(`debootstrap could not make the test image: ${lastLines(error)}`, { cause: error });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Across file systems too; `to` appears whole or not at all. */
async function moveFolder(from: string, to: string): Promise<void> {
  const partial = `${to}.partial`;
  await rm(partial, { recursive: true, force: true });
  await run("cp", ["-a", from, partial]);
  await rename(partial, to);
}

function lastLines(error: unknown): string {
  const output = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
  const stdout = error instanceof Error && "stdout" in error ? String(error.stdout) : "";
  const lines = `${stdout}\n${output || String(error)}`.trim().split("\n");
  return lines.slice(-5).join("\n");
}
