import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { preparePrivateFolder } from "../sessions/state-folder.ts";
import { PROTOCOL_VERSION } from "./protocol.ts";

// The kernel's limit is 108 bytes on Linux and 104 on macOS, the final NUL included.
const MAX_SOCKET_PATH_BYTES = 100;

/** Where the engine of a state folder listens. A path that is too long for a socket moves to a private folder in the temporary one. */
export function toSocketPath(root: string, platform = process.platform, temporary = tmpdir()): string {
  const hash = createHash("sha256").update(root).digest("hex").slice(0, 16);
  if (platform === "win32") return `\\\\.\\pipe\\sandpiper-${hash}-v${PROTOCOL_VERSION}`;
  const name = `engine-v${PROTOCOL_VERSION}.sock`;
  const path = join(root, name);
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return path;
  return join(temporary, `sandpiper-${process.getuid?.() ?? 0}-${hash}`, name);
}

/** Makes the folder that a socket is to be in. @throws {SandboxError} `blocked` when somebody else owns it */
export async function prepareSocketFolder(socketPath: string): Promise<void> {
  if (!socketPath.startsWith("\\\\.\\pipe\\")) await preparePrivateFolder(dirname(socketPath));
}

/** Sockets of engines of other protocol versions beside this one. */
export async function findOtherSockets(socketPath: string): Promise<readonly string[]> {
  if (socketPath.startsWith("\\\\.\\pipe\\")) return [];
  const folder = dirname(socketPath);
  const names = await readdir(folder);
  return names
    .filter((name) => /^engine-v\d+\.sock$/.test(name) && name !== basename(socketPath))
    .map((name) => join(folder, name));
}
