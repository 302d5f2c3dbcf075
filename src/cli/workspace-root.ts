import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, relative, resolve, sep } from "node:path";
import { SandboxError } from "../core/sandbox-error.ts";
import { toDisplay } from "../core/workspace-path.ts";

/** Where a run starts from. */
export interface WorkspaceRequest {
  readonly cwd: string;
  /** The file to run, as it was typed. */
  readonly file?: string | undefined;
  /** The folder that the user named. */
  readonly workspace?: string | undefined;
  readonly home?: string;
}

/**
 * The folder to send: the named one, else the nearest above the file (or the current folder) that holds `.git`, else
 * the current folder. @throws {SandboxError} `blocked` when that would be a whole home folder or disk
 */
export function findWorkspaceRoot({ cwd, file, workspace, home = homedir() }: WorkspaceRequest): string {
  if (workspace !== undefined) return resolve(cwd, workspace);
  const start = file === undefined ? cwd : dirname(resolve(cwd, file));
  const root = findAbove(start) ?? cwd;
  if (root !== resolve(home) && dirname(root) !== root) return root;
  const message = `The workspace would be all of ${toDisplay(root)}. Go to the project's folder, or name it with --workspace.`;
  throw new SandboxError("blocked", message);
}

function findAbove(start: string): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git"))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

/** A path on this machine as a workspace path. @throws {SandboxError} `invalid` when it is outside of the workspace */
export function toWorkspacePath(root: string, cwd: string, file: string): string {
  const path = relative(root, resolve(cwd, file));
  if (path !== ".." && !path.startsWith(`..${sep}`) && resolve(root, path) === resolve(cwd, file))
    return path.split(sep).join("/");
  const message = `${toDisplay(file)} is not in the workspace ${toDisplay(root)}. Go to its folder, or name the folder with --workspace.`;
  throw new SandboxError("invalid", message);
}
