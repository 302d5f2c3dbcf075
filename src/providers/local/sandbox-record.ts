import { mkdir, readFile, readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SandboxSpec } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";

/** What is on disk of a local sandbox: its folder holds `record.json`, `home/` (with the workspace in it), `tmp/`, `etc/` and `runs/`. */
export interface SandboxRecord {
  readonly version: 1;
  readonly id: string;
  readonly spec: SandboxSpec;
  readonly boundary: "namespaces" | "gvisor" | "seatbelt";
  /** The host's uid and gid that its processes have; ours when we are not root. */
  readonly hostUid: number;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly expiresAt: string;
}

const SANDBOX_ID = /^sp-[a-z0-9-]{1,80}$/;

/** Where the sandbox with that id is kept. @throws {SandboxError} `not-found` for what is no id of ours. */
export function toSandboxFolder(stateFolder: string, id: string): string {
  if (!SANDBOX_ID.test(id)) throw notFound(id);
  return join(stateFolder, "sandboxes", id);
}

/** The record comes last: a folder without one is a creation that was cut short. */
export async function writeRecord(folder: string, record: SandboxRecord): Promise<void> {
  const file = join(folder, "record.json");
  await writeFile(`${file}.new`, JSON.stringify(record, undefined, 2), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** @throws {SandboxError} `not-found` when there is none, `invalid` when a newer version of us wrote it. */
export async function readRecord(folder: string, id: string): Promise<SandboxRecord> {
  let text: string;
  try {
    text = await readFile(join(folder, "record.json"), "utf8");
  } catch (cause) {
    throw notFound(id, cause);
  }
  const record = parseRecord(text);
  if (!record) throw notFound(id);
  if (record.version !== 1)
    throw new SandboxError(
      "invalid",
      `The local sandbox ${id} was made by a newer version of Sandpiper. Update this one.`,
    );
  return record;
}

/** Every id that has a folder, records or not. */
export async function listSandboxIds(stateFolder: string): Promise<string[]> {
  const root = join(stateFolder, "sandboxes");
  await mkdir(root, { recursive: true, mode: 0o700 });
  const names = await readdir(root);
  return names.filter((name) => SANDBOX_ID.test(name));
}

function parseRecord(text: string): SandboxRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is SandboxRecord {
  return typeof value === "object" && value !== null && "version" in value && "spec" in value && "expiresAt" in value;
}

function notFound(id: string, cause?: unknown): SandboxError {
  return new SandboxError("not-found", `The local sandbox ${id} is gone. Start a new session.`, { cause });
}
