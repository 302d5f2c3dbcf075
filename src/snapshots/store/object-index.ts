import { readdirSync } from "node:fs";
import { join } from "node:path";
import { NewerFile } from "./block-reader.ts";
import { look } from "../look.ts";
import { TOUCH_MS, touchFile } from "./vouch.ts";
import {
  type PackedRow,
  type PackFile,
  readPackFile,
  ROW_BYTES,
  SHA_BYTES,
  toPackedRow,
  toPacksFolder,
} from "./object-pack.ts";

/** Where a content is. */
export interface PackedObject extends PackedRow {
  readonly pack: PackFile;
}

const PACK_NAME = /^([a-z0-9-]+)\.pack$/;

/** Ids of the packs in a folder that need not exist, the oldest first. */
function listPackIds(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.flatMap((name) => PACK_NAME.exec(name)?.[1] ?? []).sort();
}

/**
 * Finds contents in the packs of a store, in memory: 4 bytes for each beside what the packs say themselves. Loads them
 * when first asked, and notices those that come and go by the hand of other processes.
 */
export class ObjectIndex {
  readonly #folder: string;
  readonly #packs = new Map<string, PackFile>();
  /** By number, as `#slots` has them. */
  #numbered: readonly PackFile[] = [];
  /** Open addressing by the first bytes of the hash, which are as good as random; pack and row, each plus one. */
  #slots = new Uint32Array(0);
  #mask = 0;
  #seen: bigint | undefined;
  #hasNewer = false;

  constructor(storeFolder: string) {
    this.#folder = toPacksFolder(storeFolder);
  }

  /** Whether there are packs that a later version wrote, which might have what is not found. */
  get hasNewer(): boolean {
    return this.#hasNewer;
  }

  /** Looks at the folder, and takes in what is new. Cheap when nothing changed as far as the folder's time tells. */
  refresh(isThorough = false): void {
    const seen = look(this.#folder)?.mtimeNs;
    if (!isThorough && seen === this.#seen) return;
    this.#seen = seen;
    const ids = new Set(listPackIds(this.#folder));
    const gone = [...this.#packs.keys()].filter((id) => !ids.has(id));
    for (const id of gone) this.#packs.delete(id);
    this.#hasNewer = false;
    let isChanged = gone.length > 0;
    for (const id of ids) if (!this.#packs.has(id) && this.#load(id)) isChanged = true;
    if (isChanged) this.#rebuild();
  }

  find(sha256: string): PackedObject | undefined {
    const key = Buffer.from(sha256, "hex");
    const slot = this.#slotOf(key);
    const number = this.#slots[slot] ?? 0;
    const pack = this.#numbered[number - 1];
    return pack && { pack, ...toPackedRow(pack, (this.#slots[slot + 1] ?? 0) - 1) };
  }

  /** Whether a pack has it; what has been vouched for so is not collected as garbage for a while. */
  vouch(sha256: string): boolean {
    for (;;) {
      const found = this.find(sha256);
      if (!found) return false;
      if (touch(found.pack)) return true;
      this.refresh(true);
    }
  }

  #load(id: string): boolean {
    const file = join(this.#folder, `${id}.pack`);
    try {
      this.#packs.set(id, readPackFile(file, id));
      return true;
    } catch (error) {
      if (error instanceof NewerFile) this.#hasNewer = true;
      // Gone again, not to be read, or damaged: the latter has nothing, and goes with the garbage.
      return false;
    }
  }

  #rebuild(): void {
    this.#numbered = [...this.#packs.values()];
    const count = this.#numbered.reduce((sum, pack) => sum + pack.objectCount, 0);
    const size = 2 ** Math.ceil(Math.log2(Math.max(16, count * 2)));
    this.#slots = new Uint32Array(size * 2);
    this.#mask = size - 1;
    for (const [number, pack] of this.#numbered.entries()) {
      for (let row = 0; row < pack.objectCount; row++) {
        const slot = this.#slotOf(pack.rows.subarray(row * ROW_BYTES, row * ROW_BYTES + SHA_BYTES));
        this.#slots[slot] = number + 1;
        this.#slots[slot + 1] = row + 1;
      }
    }
  }

  /** Where the key is, or would be. */
  #slotOf(key: Buffer): number {
    if (this.#slots.length === 0) return 0;
    for (let place = key.readUInt32LE(0) & this.#mask; ; place = (place + 1) & this.#mask) {
      const pack = this.#numbered[(this.#slots[place * 2] ?? 0) - 1];
      if (!pack) return place * 2;
      const at = ((this.#slots[place * 2 + 1] ?? 0) - 1) * ROW_BYTES;
      if (pack.rows.compare(key, 0, SHA_BYTES, at, at + SHA_BYTES) === 0) return place * 2;
    }
  }
}

/** False when it is gone. */
function touch(pack: PackFile): boolean {
  const nowMs = Date.now();
  if (nowMs - pack.touchedMs < TOUCH_MS) return true;
  pack.touchedMs = nowMs;
  return touchFile(pack.file);
}
