import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** An image as a registry stores it. */
export interface SavedImage {
  /** JSON, as `docker save` writes it. */
  readonly config: Buffer;
  /** Uncompressed tar archives, lowest first. */
  readonly layers: readonly Buffer[];
}

/**
 * Makes an image that no daemon has yet: `base` and a layer of random bytes. It is held in memory and gone from the
 * daemon afterwards.
 */
export async function makeNewImage(socketPath: string, base: string, layerBytes: number): Promise<SavedImage> {
  const folder = await mkdtemp(join(tmpdir(), "sandpiper-save-"));
  const docker = async (...args: string[]): Promise<string> =>
    (await run("docker", ["--host", `unix://${socketPath}`, ...args])).stdout.trim();
  try {
    await writeFile(join(folder, "noise"), randomBytes(layerBytes));
    const container = await docker("create", base);
    await docker("cp", join(folder, "noise"), `${container}:/noise`);
    const image = await docker("commit", container);
    await docker("rm", container);
    await docker("save", "--output", join(folder, "image.tar"), image);
    await docker("rmi", image);
    await run("tar", ["-xf", join(folder, "image.tar"), "-C", folder]);
    return await readSaved(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readSaved(folder: string): Promise<SavedImage> {
  const [manifest] = parseManifest(await readFile(join(folder, "manifest.json"), "utf8"));
  if (!manifest) throw new Error("docker save wrote no image.");
  const layers = await Promise.all(manifest.Layers.map((layer) => readFile(join(folder, layer))));
  return { config: await readFile(join(folder, manifest.Config)), layers };
}

function parseManifest(text: string): { Config: string; Layers: string[] }[] {
  return JSON.parse(text);
}
