import { toDisplay, whyUnsafePath } from "../../core/workspace-path.ts";
import { type IgnoreRules, readIgnoreRules } from "../rules/ignore-rules.ts";
import { findEntry, type FolderNode, withEntry } from "./folder-node.ts";
import type { Entry } from "../manifest.ts";
import { toFolders } from "../path-gate.ts";
import { toSha256 } from "../regular-file.ts";
import { whyTooLarge } from "./scan-tree.ts";
import { look } from "../look.ts";
import type { Overlay, ScanRequest, SkippedPath } from "./scanner.ts";

/**
 * The tree with other text than on disk in the files that are on screen. A buffer is held to the same rules as a file, so
 * that an unsaved `.env` stays here too. Those that were not laid are `skipped`.
 */
export function layOverlays(
  request: ScanRequest,
  onDisk: FolderNode,
): { root: FolderNode; skipped: readonly SkippedPath[] } {
  if (request.overlays.length === 0) return { root: onDisk, skipped: [] };
  const rules = readIgnoreRules(request.root);
  const skipped: SkippedPath[] = [];
  let root = onDisk;
  for (const overlay of request.overlays) {
    const reason = whyNotLaid(request, overlay, rules);
    if (reason) skipped.push({ path: overlay.path, ...reason });
    root = withEntry(root, overlay.path, reason ? undefined : toEntry(overlay, findEntry(root, overlay.path)));
  }
  return { root, skipped };
}

/** The bytes that an overlay stands for. */
export function toOverlayBytes(overlay: Overlay): Buffer {
  return Buffer.from(overlay.text, "utf8");
}

function toEntry(overlay: Overlay, onDisk: Entry | undefined): Entry {
  const content = toOverlayBytes(overlay);
  const executable = onDisk?.type === "file" && onDisk.executable;
  return { type: "file", sha256: toSha256(content), sizeBytes: content.length, executable };
}

function whyNotLaid(request: ScanRequest, overlay: Overlay, rules: IgnoreRules): Omit<SkippedPath, "path"> | undefined {
  const unsafe = whyUnsafePath(overlay.path);
  if (unsafe) return { kind: "unreadable", reason: unsafe };
  const verdict = rules.verdict(overlay.path, false);
  if (verdict) return verdict;
  const tooLarge = whyTooLarge(Buffer.byteLength(overlay.text), request.maxFileBytes);
  if (tooLarge) return { kind: "too-large", reason: tooLarge };
  const obstacle = findObstacle(request.root, overlay.path);
  return obstacle === undefined ? undefined : { kind: "unreadable", reason: obstacle };
}

/** A file can only be where no folder is, and where each part of the path above is a folder or not there yet. */
function findObstacle(root: string, path: string): string | undefined {
  for (const folder of toFolders(path)) {
    const stat = look(`${root}/${folder}`);
    if (stat && !stat.isDirectory()) return `${toDisplay(folder)} is not a folder`;
  }
  const isFolder = look(`${root}/${path}`)?.isDirectory();
  return isFolder ? "there is a folder of that name" : undefined;
}
