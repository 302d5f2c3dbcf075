import { accessSync, constants } from "node:fs";
import { toDisplay, whyUnsafePath } from "../core/workspace-path.ts";
import { readIgnoreRules } from "./ignore-rules.ts";
import { toFolders } from "./path-gate.ts";
import { look } from "./look.ts";
import { SPECIAL_FILE_REASON, whyTooLarge } from "./scan-tree.ts";

/**
 * Why a path is in no snapshot of the workspace, for people (reads on after the path), or undefined when it is sent.
 * @param path relative to the workspace, POSIX
 */
export function whyNotSent(root: string, path: string, maxFileBytes: number): string | undefined {
  const unsafe = whyUnsafePath(path);
  if (unsafe) return unsafe;
  const stat = look(`${root}/${path}`);
  if (!stat) return "it does not exist";
  const ignored = whyNotReached(root, path) ?? readIgnoreRules(root).why(path, stat.isDirectory());
  if (ignored) return ignored;
  if (stat.isSymbolicLink()) return undefined;
  if (stat.isFile()) return whyTooLarge(stat.size, maxFileBytes) ?? whyUnreadable(`${root}/${path}`);
  return stat.isDirectory() ? whyUnreadable(`${root}/${path}`) : SPECIAL_FILE_REASON;
}

function whyNotReached(root: string, path: string): string | undefined {
  const link = toFolders(path).find((folder) => !look(`${root}/${folder}`)?.isDirectory());
  return link === undefined ? undefined : `${toDisplay(link)} is a link, and links are sent as links`;
}

function whyUnreadable(file: string): string | undefined {
  try {
    accessSync(file, constants.R_OK);
    return undefined;
  } catch {
    // It may have gone a moment ago.
    return look(file) ? "you may not read it" : "it does not exist";
  }
}
