import { mkdirSync, readFileSync, writeFileSync, appendFileSync } from "node:fs";
import { dirname } from "node:path";

// Of a sha-256, what is kept: nobody finds two contents that share it.
const KEY_BYTES = 16;
/** 3.2 MB on disk; beyond that it starts anew. */
const MAX_CONTENTS = 200_000;

/** Contents that were looked through and hold no credential, over processes: what is neither new nor changed is not read again. */
export interface CleanContents {
  has(sha256: string): boolean;
  /** Kept at the next `save`. */
  add(sha256: string): void;
  /** Best effort: what is not kept is looked through again. */
  save(): void;
}

/**
 * @param file need not exist; a first line that names the rules, then 16 bytes of each content's hash
 * @param rules what other rules found clean counts for nothing
 */
export function readCleanContents(file: string, rules: string): CleanContents {
  const head = Buffer.from(`${rules}\n`);
  const known = new Set<string>();
  let added: string[] = [];
  let isWhole = readInto(known, file, head);
  return {
    has: (sha256) => known.has(sha256.slice(0, 2 * KEY_BYTES)),
    add(sha256) {
      const key = sha256.slice(0, 2 * KEY_BYTES);
      if (known.has(key)) return;
      known.add(key);
      added.push(key);
    },
    save() {
      if (added.length === 0) return;
      if (known.size > MAX_CONTENTS) {
        known.clear();
        for (const key of added.slice(-MAX_CONTENTS)) known.add(key);
        isWhole = false;
      }
      const rows = isWhole ? added : [...known];
      isWhole = write(file, isWhole ? undefined : head, Buffer.from(rows.join(""), "hex"));
      added = [];
    },
  };
}

/** Whether the file can be added to as it is. */
function readInto(known: Set<string>, file: string, head: Buffer): boolean {
  try {
    const content = readFileSync(file);
    if (!content.subarray(0, head.length).equals(head)) return false;
    const rows = content.subarray(head.length).toString("hex");
    for (let at = 0; at + 2 * KEY_BYTES <= rows.length; at += 2 * KEY_BYTES)
      known.add(rows.slice(at, at + 2 * KEY_BYTES));
    return rows.length % (2 * KEY_BYTES) === 0;
  } catch {
    return false;
  }
}

function write(file: string, head: Buffer | undefined, rows: Buffer): boolean {
  try {
    if (head) {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      writeFileSync(file, Buffer.concat([head, rows]), { mode: 0o600 });
    } else appendFileSync(file, rows);
    return true;
  } catch {
    return false;
  }
}
