import { open } from "node:fs/promises";
import { SandboxError } from "../../core/sandbox-error.ts";
import { toDisplay } from "../../core/workspace-path.ts";

const MOST_BYTES = 1024 * 1024;

/** How a provider's own tools keep their keys. */
export interface ProfileFormat {
  /** Its parser's errors may quote the file, and so its keys: none is passed on. */
  readonly parse: (text: string) => unknown;
  /** For people: "the TOML file that Modal's tools write". */
  readonly what: string;
  /** A command or a page that makes such a file, for people. */
  readonly remedy: string;
}

/** What the file holds. @throws {SandboxError} `not-found` or `invalid`, without its contents */
export async function readProfileFile(path: string, format: ProfileFormat): Promise<unknown> {
  const text = await readText(path, format);
  try {
    return format.parse(text);
  } catch {
    throw newInvalidError(path, format);
  }
}

/** Of a file that is there and holds no key. */
export function newNoProfileError(path: string, { remedy }: ProfileFormat): SandboxError {
  return new SandboxError("not-found", `No profile in ${toDisplay(path)} holds a key. Make one with: ${remedy}`);
}

/** The fields of a record of a file; none of what is no record. */
export function toFields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

async function readText(path: string, format: ProfileFormat): Promise<string> {
  const file = await open(path, "r").catch(() => undefined);
  if (!file) throw new SandboxError("not-found", `${toDisplay(path)} cannot be read. Make it with: ${format.remedy}`);
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.size > MOST_BYTES) throw newInvalidError(path, format);
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

function newInvalidError(path: string, { what }: ProfileFormat): SandboxError {
  return new SandboxError("invalid", `${toDisplay(path)} is not ${what}. Mend it, or paste a key.`);
}
