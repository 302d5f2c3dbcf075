import { toTerminalCommand } from "../shared/terminal.ts";
import { type Stand, toFsTools } from "./fs-tools.ts";
import type { ExecStart } from "./messages.ts";

/**
 * What to start for a command: itself, the stand-in of the file API's program, or `script` around it, which gives it a
 * terminal of the size that the SDK asks for (always 24 by 80) and merges its error stream into the other, as Modal does.
 */
export function toStand({ commandArgs, ptyInfo }: ExecStart): Stand {
  const fsTools = toFsTools(commandArgs);
  if (fsTools) return fsTools;
  if (!ptyInfo) return { argv: commandArgs };
  return { argv: toTerminalCommand(commandArgs, { rows: ptyInfo.winszRows, cols: ptyInfo.winszCols }) };
}
