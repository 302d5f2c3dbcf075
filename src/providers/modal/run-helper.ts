import type { Sandbox } from "modal";
import { abortable } from "../abortable.ts";

/** Most of a helper's output that is kept. */
const MAX_OUTPUT_CHARACTERS = 64 * 1024;

/** Runs a short command of ours as root, without input, to its end. Returns what it printed. */
export async function runHelper(sandbox: Sandbox, argv: readonly string[], signal: AbortSignal): Promise<string> {
  const run = async (): Promise<string> => {
    const process = await sandbox.exec([...argv], { workdir: "/", stderr: "ignore" });
    let output = "";
    // Its end is the command's: ours leave nothing running.
    for await (const text of process.stdout) if (output.length < MAX_OUTPUT_CHARACTERS) output += text;
    return output;
  };
  return abortable(run(), signal);
}
