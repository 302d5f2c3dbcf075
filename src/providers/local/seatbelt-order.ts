import type { SandboxRuntimeConfig } from "@anthropic-ai/sandbox-runtime";
import type { FullCommand } from "./boundary.ts";
import { quoteForShell } from "../posix/shell-quote.ts";

/** The first line that the runner reads from {@link CONTROL_FD}, as JSON. After it come INT, TERM and KILL, a line each. */
export interface SeatbeltOrder {
  readonly config: SandboxRuntimeConfig;
  /** Where the text of {@link toStartScript} is. */
  readonly script: string;
  readonly argv: readonly string[];
  readonly nonce: string;
}

// The same words as the supervisor's, which the sandboxes of other systems have.
const START = String.raw`
cd -- "$cwd" 2>/dev/null || { printf '%s\n' "$cwd: cannot be entered in the sandbox" >&2; exit 126; }
unset cwd OLDPWD
case $1 in
*/*)
  if [ ! -e "$1" ]; then printf '%s\n' "$1: not found in the sandbox" >&2; exit 127; fi
  if [ ! -x "$1" ] || [ -d "$1" ]; then printf '%s\n' "$1: not executable in the sandbox" >&2; exit 126; fi ;;
*) command -v "$1" >/dev/null 2>&1 || { printf '%s\n' "$1: not found in the sandbox" >&2; exit 127; } ;;
esac
exec "$@"
`;

/** Runs inside the sandbox and becomes the command. A file, since other users can read command lines. */
export function toStartScript(command: FullCommand, diskMiB: number): string {
  const variables = Object.entries(command.env).map(([name, value]) => `export ${name}=${quoteForShell(value)}`);
  const limits = ["ulimit -c 0", `ulimit -f ${diskMiB * 2048}`, "ulimit -n 4096 2>/dev/null"];
  return [...variables, ...limits, `cwd=${quoteForShell(command.cwd)}`, START].join("\n");
}

/** What the runtime is told to run: the script with nothing of the environment that the runtime adds. */
export function toStartCommand({ script, argv }: Pick<SeatbeltOrder, "script" | "argv">): string {
  return `exec /usr/bin/env -i /bin/sh ${[script, ...argv].map(quoteForShell).join(" ")}`;
}
