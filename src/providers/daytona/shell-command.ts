import { quoteForShell } from "../posix/shell-quote.ts";

/** One line for a POSIX shell that runs exactly these words. */
export function toShellCommand(argv: readonly string[]): string {
  return argv.map(quoteForShell).join(" ");
}
