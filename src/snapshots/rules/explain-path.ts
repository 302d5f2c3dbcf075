import { accessSync, constants } from "node:fs";
import { toDisplay, whyUnsafePath } from "../../core/workspace-path.ts";
import { readIgnoreRules } from "./ignore-rules.ts";
import { toFolders } from "../path-gate.ts";
import { look } from "../look.ts";
import { SPECIAL_FILE_REASON, whyTooLarge } from "../scan/scan-tree.ts";

/** Whether a path is sent, and what decides that. */
export interface PathExplanation {
  readonly isSent: boolean;
  /** For people; reads on after "it is (not) sent: ". */
  readonly reason: string;
}

/** Says for one path why it is in a snapshot of the workspace, or is not. @param path as for {@link whyNotSent} */
export function explainPath(root: string, path: string, maxFileBytes: number): PathExplanation {
  const reason = whyNotSent(root, path, maxFileBytes);
  return reason === undefined ? { isSent: true, reason: whySent(root, path) } : { isSent: false, reason };
}

function whySent(root: string, path: string): string {
  const stat = look(`${root}/${path}`);
  const letIn = readIgnoreRules(root).whyLetIn(path, stat?.isDirectory() ?? false);
  if (letIn !== undefined) return `let in by ${letIn}`;
  return stat?.isSymbolicLink() ? "links are sent as links, and no rule leaves it out" : "no rule leaves it out";
}

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
