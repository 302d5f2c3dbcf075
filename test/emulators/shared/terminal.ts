import { readFile, readlink } from "node:fs/promises";
import type { Machine, MachineCommand, NumberedProcess } from "./machine.ts";

/** How many lines and characters a terminal shows. */
export interface TerminalSize {
  readonly rows: number;
  readonly cols: number;
}

/** `script` (util-linux), which gives a command a terminal of its own and merges its two streams; it ends as the command does. */
export function toTerminalCommand(argv: readonly string[], { rows, cols }: TerminalSize): string[] {
  const command = `stty rows ${rows} cols ${cols}; exec ${argv.map(quote).join(" ")}`;
  return ["script", "--quiet", "--flush", "--return", "--command", command, "/dev/null"];
}

/** Gives the terminal of a command that {@link toTerminalCommand} has made another size; who runs in it is told by SIGWINCH. */
export async function resizeTerminal(
  machine: Machine,
  process: NumberedProcess,
  { rows, cols }: TerminalSize,
): Promise<void> {
  const terminal = await findTerminal(process.pid);
  if (terminal === undefined) throw new Error("The process has no terminal.");
  const argv = ["stty", "-F", terminal, "rows", String(rows), "cols", String(cols)];
  await (
    await machine.start({ ...TOOL, argv })
  ).ended;
}

const TOOL: Omit<MachineCommand, "argv"> = { env: { PATH: "/usr/bin:/bin" }, workdir: "/" };

/** Below nsenter is `script`, and below that who has the terminal: "/dev/pts/3". */
async function findTerminal(pid: number): Promise<string | undefined> {
  const target = await readlink(`/proc/${pid}/fd/0`).catch(() => "");
  if (target.startsWith("/dev/pts/")) return target;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  for (const child of children.split(" ").filter(Boolean)) {
    const found = await findTerminal(Number(child));
    if (found !== undefined) return found;
  }
  return undefined;
}

function quote(argument: string): string {
  return `'${argument.replaceAll("'", `'\\''`)}'`;
}
