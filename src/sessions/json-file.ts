import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { SandboxError } from "../core/sandbox-error.ts";

let writes = 0;

/**
 * Replaces a JSON file as a whole: readers see the old text or the new one, never a part.
 * With `durable` it has reached the disk when this resolves, so that it survives a power cut.
 */
export async function writeJsonFile(file: string, value: unknown, durable: boolean): Promise<void> {
  const temporary = `${file}.${process.pid}-${writes++}.tmp`;
  try {
    const handle = await open(temporary, "wx", 0o600);
    try {
      await handle.writeFile(JSON.stringify(value));
      if (durable) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  if (durable) await syncFolder(dirname(file));
}

async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open a folder for that.
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What {@link readJsonFile} found. `damaged` was renamed to `movedTo`, so that it is neither lost nor met again. */
export type JsonFile<T> =
  | { readonly kind: "read"; readonly value: T }
  | { readonly kind: "missing" }
  | { readonly kind: "damaged"; readonly movedTo: string };

/** Reads what {@link writeJsonFile} wrote. @throws {SandboxError} `unsupported` when a newer Sandpiper wrote it. */
export async function readJsonFile<T>(file: string, isValid: (value: unknown) => value is T): Promise<JsonFile<T>> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (isMissing(error)) return { kind: "missing" };
    throw error;
  }
  const value = parse(text);
  if (isVersioned(value) && value.version > 1) {
    const message = `${file} was written by a newer Sandpiper. Update Sandpiper, or remove the file.`;
    throw new SandboxError("unsupported", message);
  }
  if (isValid(value)) return { kind: "read", value };
  const movedTo = `${file}.damaged-${Date.now().toString(36)}`;
  await rename(file, movedTo);
  return { kind: "damaged", movedTo };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a value is an object that says which version of its format it has. */
export function isVersioned(value: unknown): value is { readonly version: number } {
  return typeof value === "object" && value !== null && "version" in value && typeof value.version === "number";
}

/** Whether an error says that a file or folder is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
