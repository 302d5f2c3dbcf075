import { randomBytes } from "node:crypto";
import type { Command } from "../../core/sandbox.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { checkWorkspacePath } from "../../core/workspace-path.ts";
import { superviseCommand } from "../posix/supervise.ts";
import { createNonce } from "../posix/trailer-filter.ts";
import type { Layout } from "./layout.ts";
import { toExports } from "./setup-script.ts";
import { toShellCommand } from "./shell-command.ts";

/** Linux's MAX_ARG_STRLEN and a usual ARG_MAX: no program could be started with more. */
const LONGEST_ARGUMENT_BYTES = 128 * 1024 - 1;
const MOST_BYTES = 2 * 1024 * 1024 - 64 * 1024;

/** How a command is started, and reached while it runs. */
export interface CommandPlan {
  /** Also the name of its session at Daytona. */
  readonly id: string;
  readonly nonce: string;
  readonly pidFile: string;
  /** Where {@link script} has to be before the command starts. */
  readonly scriptPath: string;
  /**
   * Starts the command, as the user of Daytona's program. It removes itself first: its variables are for the command alone. As a file, nothing in
   * it is parsed by the shell of a session, which here-documents and length make hang.
   */
  readonly script: string;
}

/** @throws {SandboxError} `invalid` for a folder outside of the workspace, and for what no program can be started with */
export function planCommand({ argv, cwd, env = {}, pty }: Command, layout: Layout): CommandPlan {
  checkLength(argv);
  const id = `sandpiper-${randomBytes(8).toString("hex")}`;
  const nonce = createNonce();
  const { folders, tools, scripts } = layout;
  const pidFile = `${folders.private}/${id}.pid`;
  const folder = cwd && cwd !== "." ? `${folders.workspace}/${checkWorkspacePath(cwd, "linux")}` : folders.workspace;
  // Relayed: the streams that a command is given are root's, which others may not open by the names in /dev. A terminal
  // changes hands instead.
  const supervision = { nonce, pidFile, cwd: folder, stdio: pty ? "direct" : "pipes" } as const;
  const scriptPath = `${layout.commands}/${id}`;
  const script = [
    `rm -f -- ${scriptPath}`,
    `. ${tools}/variables.sh`,
    toExports({ ...(pty ? { TERM: "xterm-256color" } : {}), ...env }),
    pty ? `printf '%s\\n' ${toStartMark(nonce)}` : "",
    `set -- ${toShellCommand(superviseCommand(argv, supervision, scripts))}`,
    `. ${tools}/enter.sh`,
  ];
  return { id, nonce, pidFile, scriptPath, script: `${script.join("\n")}\n` };
}

/** What a terminal shows right before the command's own output begins, on a line of its own. */
export function toStartMark(nonce: string): string {
  return `sandpiper-start-${nonce}`;
}

function checkLength(argv: readonly string[]): void {
  const sizes = argv.map((argument) => Buffer.byteLength(argument) + 1);
  if (Math.max(...sizes) <= LONGEST_ARGUMENT_BYTES && sizes.reduce((sum, size) => sum + size, 0) <= MOST_BYTES) return;
  throw new SandboxError("invalid", "The command line is too long for Linux. Pass long texts by a file or stdin.");
}
