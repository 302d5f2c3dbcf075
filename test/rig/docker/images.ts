import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Imports an image that holds just those files (path -> text, executable); returns its name. For images that are broken. */
export async function importFiles(
  socketPath: string,
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sandpiper-files-"));
  const image = `sandpiper-test:${name}`;
  try {
    await mkdir(join(folder, "root", "bin"), { recursive: true });
    for (const [path, text] of Object.entries(files)) {
      await writeFile(join(folder, "root", path), text);
      await chmod(join(folder, "root", path), 0o755);
    }
    await run("tar", ["-C", join(folder, "root"), "-cf", join(folder, "image.tar"), "."]);
    await run("docker", ["--host", `unix://${socketPath}`, "import", join(folder, "image.tar"), image]);
    return image;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
