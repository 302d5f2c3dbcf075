import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { SandboxError, toMessage } from "../core/sandbox-error.ts";
import { whyUnsafePath } from "../core/workspace-path.ts";
import { type Entry, type Manifest, toManifest } from "./manifest.ts";

const VERSION = 1;

/** A row of the file: path and target for a link, path alone for a folder. */
type Row =
  | readonly [path: string, type: "f" | "x", sha256: string, sizeBytes: number]
  | readonly [path: string, type: "l", target: string]
  | readonly [path: string, type: "d"];

/** Replaces the file as a whole; what it holds is on the disk when this resolves. @throws {SandboxError} `unavailable` */
export async function writeManifest(file: string, manifest: Manifest): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString("hex")}.tmp`;
  const text = JSON.stringify({
    version: VERSION,
    entries: Array.from(manifest, ([path, entry]) => toRow(path, entry)),
  });
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(temporary, "wx", 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new SandboxError("unavailable", `${file} could not be written: ${toMessage(cause)}.`, { cause });
  }
}

/**
 * @throws {SandboxError} `not-found` when there is none, `unsupported` when a newer version wrote it, `invalid` when it is
 * damaged
 */
export async function readManifest(file: string): Promise<Manifest> {
  const content = parse(file, await readText(file));
  if (!isRecord(content) || typeof content["version"] !== "number") throw damaged(file);
  if (content["version"] > VERSION)
    throw new SandboxError("unsupported", `${file} was written by a newer version of Sandpiper. Update this one.`);
  const rows: unknown = content["entries"];
  if (!Array.isArray(rows)) throw damaged(file);
  return toManifest(
    rows.map((row: unknown) => {
      if (!isRow(row)) throw damaged(file);
      return [row[0], toEntry(row)] as const;
    }),
  );
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause && cause.code === "ENOENT" ? "not-found" : "unavailable";
    throw new SandboxError(code, `${file} could not be read: ${toMessage(cause)}.`, { cause });
  }
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw damaged(file);
  }
}

function damaged(file: string): SandboxError {
  return new SandboxError("invalid", `${file} is damaged. Start a new session.`);
}

function toRow(path: string, entry: Entry): Row {
  if (entry.type === "file") return [path, entry.executable ? "x" : "f", entry.sha256, entry.sizeBytes];
  return entry.type === "link" ? [path, "l", entry.target] : [path, "d"];
}

function toEntry(row: Row): Entry {
  if (row[1] === "d") return { type: "directory" };
  if (row[1] === "l") return { type: "link", target: row[2] };
  return { type: "file", sha256: row[2], sizeBytes: row[3], executable: row[1] === "x" };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isRow(row: unknown): row is Row {
  if (!Array.isArray(row)) return false;
  const [path, type, text, sizeBytes] = row as readonly unknown[];
  if (typeof path !== "string" || whyUnsafePath(path) !== undefined) return false;
  if (type === "d") return true;
  if (typeof text !== "string") return false;
  return (
    type === "l" || ((type === "f" || type === "x") && /^[0-9a-f]{64}$/.test(text) && Number.isSafeInteger(sizeBytes))
  );
}
