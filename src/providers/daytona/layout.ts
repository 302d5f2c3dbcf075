import type { ScriptPaths } from "../posix/supervise.ts";
import type { WorkspaceFolders } from "../posix/workspace-files.ts";

/** Where things are in a sandbox. */
export interface Layout {
  /** The user's files, and what is ours beside them: pid files, and files on their way in. */
  readonly folders: WorkspaceFolders;
  /** Ours: the scripts that start commands, and what watches over the disk. */
  readonly tools: string;
  /** Scripts of commands about to start, which hold their variables: readable for who starts them alone. */
  readonly commands: string;
  /** Archives on their way in and out, between Daytona's program, which moves files, and the user of commands. */
  readonly spool: string;
  /** The supervisor. */
  readonly scripts: ScriptPaths;
}

/**
 * @param base "" where Daytona's program runs as root; else the home of its user, who can write nowhere else
 */
export function toLayout(base: string): Layout {
  const tools = `${base}/.sandpiper`;
  return {
    folders: { workspace: `${base}/sandpiper/workspace`, private: `${base}/sandpiper/private` },
    tools,
    commands: `${tools}/commands`,
    spool: `${tools}/spool`,
    scripts: { shell: `${tools}/supervise.sh`, perl: `${tools}/supervise.pl` },
  };
}
