import { mkdir } from "node:fs/promises";
import path from "node:path";
import { ServerError, Status } from "nice-grpc";
import { newId } from "./ids.ts";
import type { SecretSource } from "./messages.ts";
import type { Spawner } from "../shared/spawner.ts";
import { removeTree } from "../shared/trees.ts";

type ImageKind = "built" | "saved";

/** What commands find in a sandbox that starts from an image. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string>>;
  /** Where commands start. */
  readonly workdir: string;
}

/** What a sandbox starts from, or what is mounted in one. */
interface StoredImage extends Surroundings {
  readonly id: string;
  readonly kind: ImageKind;
  /** Whether there is a folder of its own with its files; a registry's image has none, as `/usr` is the host's. */
  readonly hasFiles: boolean;
  /** Milliseconds since 1970, for good when undefined. */
  readonly expiresAt: number | undefined;
}

/** What to keep as a new image. */
interface NewImage {
  readonly id?: string;
  readonly kind: ImageKind;
  /** Undefined or negative keeps it for good. */
  readonly ttlSeconds: number | undefined;
  readonly inherited: Surroundings;
  readonly fill: (folder: string) => Promise<void>;
}

/** What a sandbox has that no image says otherwise to. */
const PLAIN: Surroundings = { env: {}, workdir: "/root" };

/** The account's images and secrets. */
export class ImageStore {
  /** Holds a folder per image, named by its id. */
  readonly folder: string;
  readonly #spawner: Spawner;
  readonly #images = new Map<string, StoredImage>();
  readonly #holds = new Map<string, number>();
  readonly #secrets = new Map<string, Readonly<Record<string, string>>>();

  constructor(folder: string, spawner: Spawner) {
    this.folder = folder;
    this.#spawner = spawner;
  }

  has(id: string): boolean {
    const image = this.#images.get(id);
    return image !== undefined && (image.expiresAt === undefined || image.expiresAt > Date.now());
  }

  /** @throws NOT_FOUND for one that never was, was deleted or has outlived its time. */
  get(id: string): StoredImage {
    const image = this.#images.get(id);
    if (!image || !this.has(id)) throw new ServerError(Status.NOT_FOUND, `Could not find image with ID '${id}'`);
    return image;
  }

  /** The folder with an image's files; undefined when it has none of its own. */
  filesOf(id: string): string | undefined {
    return this.get(id).hasFiles ? path.join(this.folder, id) : undefined;
  }

  /** The ids of those that can be used now. */
  ids(): Record<ImageKind, string[]> {
    const usable = [...this.#images.values()].filter(({ id }) => this.has(id));
    const of = (kind: ImageKind) => usable.filter((image) => image.kind === kind).map(({ id }) => id);
    return { built: of("built"), saved: of("saved") };
  }

  newId(): string {
    return newId("im", 22);
  }

  /** Returns its id. */
  add(image: Partial<StoredImage> & { readonly kind: ImageKind; readonly hasFiles: boolean }): string {
    const id = image.id ?? this.newId();
    this.#images.set(id, { ...PLAIN, expiresAt: undefined, ...image, id });
    return id;
  }

  /** Keeps what `fill` puts into a folder; nothing remains of it when that fails. Returns the id. */
  async save({ id = this.newId(), kind, ttlSeconds, inherited, fill }: NewImage): Promise<string> {
    const folder = path.join(this.folder, id);
    await mkdir(folder);
    try {
      await fill(folder);
    } catch (error) {
      await removeTree(this.#spawner, folder);
      throw error;
    }
    const keeps = ttlSeconds === undefined || ttlSeconds < 0;
    const expiresAt = keeps ? undefined : Date.now() + ttlSeconds * 1000;
    return this.add({ id, kind, hasFiles: true, expiresAt, env: inherited.env, workdir: inherited.workdir });
  }

  /** Its files stay as long as a sandbox uses them. @throws NOT_FOUND */
  async delete(id: string): Promise<void> {
    this.get(id);
    this.#images.delete(id);
    await this.#removeUnused(id);
  }

  /** It is used once more. */
  hold(id: string): void {
    this.#holds.set(id, (this.#holds.get(id) ?? 0) + 1);
  }

  /** It is used once less. */
  async release(id: string): Promise<void> {
    this.#holds.set(id, (this.#holds.get(id) ?? 0) - 1);
    await this.#removeUnused(id);
  }

  /** Returns the secret's id. */
  addSecret(env: Readonly<Record<string, string>>): string {
    const id = newId("st", 22);
    this.#secrets.set(id, env);
    return id;
  }

  /** The variables that secrets stand for; later ones win. @throws NOT_FOUND */
  toEnv(sources: readonly SecretSource[]): Record<string, string> {
    return Object.fromEntries(sources.flatMap((source) => Object.entries(this.#toEnv(source))));
  }

  async #removeUnused(id: string): Promise<void> {
    if (id === "" || this.#images.has(id) || (this.#holds.get(id) ?? 0) > 0) return;
    await removeTree(this.#spawner, path.join(this.folder, id));
  }

  #toEnv({ secretId, env }: SecretSource): Readonly<Record<string, string>> {
    if (!secretId) return env?.contents ?? {};
    const found = this.#secrets.get(secretId);
    if (!found) throw new ServerError(Status.NOT_FOUND, `Secret '${secretId}' not found`);
    return found;
  }
}
