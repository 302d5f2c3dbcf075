import { cpSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../scripts/setup/paths.mjs";

/** A new folder with a short path: unix sockets that are made in it may have 107 characters in all. */
export function makeTempFolder(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), "sp-")));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** The sample workspace, copied so that the checkout stays as it is. @returns the copy, `parent`/sample */
export function copySample(parent: string): string {
  const folder = join(parent, "sample");
  cpSync(join(root, "test/fixtures/sample"), folder, { recursive: true });
  return folder;
}
