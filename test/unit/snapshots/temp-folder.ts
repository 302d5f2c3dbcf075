import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach } from "vitest";

const made: string[] = [];

afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** What to put at a path: text or bytes for a file, a link, a program, or an empty folder. */
export type Planted =
  | string
  | Uint8Array
  | { readonly link: string }
  | { readonly program: string }
  | { readonly folder: true };

/** A folder that is removed after the test, with those paths in it. */
export function makeFolder(files: Readonly<Record<string, Planted>> = {}): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "sandpiper-snapshots-")));
  made.push(folder);
  plant(folder, files);
  return folder;
}

/** Writes paths into a folder that is there. */
export function plant(folder: string, files: Readonly<Record<string, Planted>>): void {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    if (typeof content === "string" || content instanceof Uint8Array) writeFileSync(file, content);
    else if ("link" in content) symlinkSync(content.link, file);
    else if ("folder" in content) mkdirSync(file, { recursive: true });
    else {
      writeFileSync(file, content.program);
      chmodSync(file, 0o755);
    }
  }
}

/** Every path in a folder, in no order; folders end with a slash. */
export function listFolder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name).slice(folder.length + 1);
    return entry.isDirectory() ? `${path}/` : path;
  });
}
