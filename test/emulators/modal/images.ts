import { mkdir } from "node:fs/promises";
import path from "node:path";
import { ServerError, Status } from "nice-grpc";
import { newId } from "./ids.ts";
import type { SecretSource } from "./messages.ts";
import { removeTree } from "./trees.ts";

/** What a sandbox starts from, or what is mounted in one. */
export interface StoredImage {
  readonly id: string;
  /** Where sandboxes start commands. */
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  /** Whether there is a folder of its own with its files; a registry's image has none, as `/usr` is the host's. */
  readonly hasFiles: boolean;
  /** Milliseconds since 1970, for good when undefined. */
  readonly expiresAt: number | undefined;
}

/** What to save as a new image. */
export interface NewImage {
  /** Undefined or negative keeps it for good. */
  readonly ttlSeconds: number | undefined;
  /** The image whose variables and folder it inherits. */
  readonly base: string | undefined;
  readonly fill: (folder: string) => Promise<void>;
}

const DEFAULT_WORKDIR = "/root";

/** The account's images and secrets. */
export class ImageStore {
  /** Holds a folder per image, named by its id. */
  readonly folder: string;
  readonly #images = new Map<string, StoredImage>();
  readonly #secrets = new Map<string, Readonly<Record<string, string>>>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws NOT_FOUND for one that never was, was deleted or has outlived its time. */
  get(id: string): StoredImage {
    const image = this.#images.get(id);
    if (!image || (image.expiresAt !== undefined && image.expiresAt <= Date.now())) {
      throw new ServerError(Status.NOT_FOUND, `Could not find image with ID '${id}'`);
    }
    return image;
  }

  /** The folder with an image's files; undefined when it has none of its own. */
  filesOf(id: string): string | undefined {
    return this.get(id).hasFiles ? path.join(this.folder, id) : undefined;
  }

  /** The ids of those that can be used now. */
  ids(): string[] {
    return [...this.#images.values()]
      .filter((image) => image.expiresAt === undefined || image.expiresAt > Date.now())
      .map((image) => image.id);
  }

  add(image: Partial<StoredImage> & { readonly hasFiles: boolean }): string {
    const id = image.id ?? newId("im", 22);
    this.#images.set(id, { workdir: DEFAULT_WORKDIR, env: {}, expiresAt: undefined, ...image, id });
    return id;
  }

  async save({ ttlSeconds, base, fill }: NewImage): Promise<string> {
    const inherited = base === undefined ? undefined : this.get(base);
    const id = newId("im", 22);
    const folder = path.join(this.folder, id);
    await mkdir(folder, { recursive: true });
    try {
      await fill(folder);
    } catch (error) {
      await removeTree(folder);
      throw error;
    }
    const keeps = ttlSeconds === undefined || ttlSeconds < 0;
    return this.add({
      id,
      hasFiles: true,
      expiresAt: keeps ? undefined : Date.now() + ttlSeconds * 1000,
      ...(inherited && { workdir: inherited.workdir, env: inherited.env }),
    });
  }

  async delete(id: string): Promise<void> {
    this.get(id);
    this.#images.delete(id);
    await removeTree(path.join(this.folder, id));
  }

  addSecret(env: Readonly<Record<string, string>>): string {
    const id = newId("st", 22);
    this.#secrets.set(id, env);
    return id;
  }

  /** The variables that secrets stand for; later ones win. */
  toEnv(sources: readonly SecretSource[]): Record<string, string> {
    return Object.fromEntries(sources.flatMap((source) => Object.entries(this.#toEnv(source))));
  }

  #toEnv({ secretId, env }: SecretSource): Readonly<Record<string, string>> {
    if (!secretId) return env?.contents ?? {};
    const found = this.#secrets.get(secretId);
    if (!found) throw new ServerError(Status.NOT_FOUND, `Secret '${secretId}' not found`);
    return found;
  }
}
