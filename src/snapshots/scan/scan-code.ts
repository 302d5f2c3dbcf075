import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Names the code that runs, by its content: all files beside the one given. A bundle names its chunks by their content, so
 * that they need not be looked into.
 */
export function readCode(url: string): string {
  const folder = dirname(fileURLToPath(url));
  const digest = createHash("sha256");
  for (const child of readdirSync(folder, { withFileTypes: true })) {
    if (child.isFile()) digest.update(`${child.name}\0`).update(readFileSync(join(folder, child.name)));
  }
  return digest.digest("hex");
}
