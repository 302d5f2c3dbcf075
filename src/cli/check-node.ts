import * as zlib from "node:zlib";
import { SandboxError } from "../core/sandbox-error.ts";

/**
 * Node has had Zstandard, in which snapshots are kept, since 22.15 (https://nodejs.org/api/zlib.html).
 * @throws {SandboxError} `unsupported` with an older one
 */
export function checkNode(version = process.versions.node, hasZstd = "createZstdDecompress" in zlib): void {
  if (hasZstd) return;
  const message = `The command line needs Node 22.15 or newer; this is ${version}. Install a newer Node and try again.`;
  throw new SandboxError("unsupported", message);
}
