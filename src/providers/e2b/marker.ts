import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sandbox as SdkSandbox } from "@e2b/code-interpreter";
import { MARKER_FILE } from "./layout.ts";
import { runHelper } from "./run-helper.ts";

/**
 * What says that a resumed sandbox has its latest files: paused sandboxes have come back with those of an earlier pause
 * (https://github.com/e2b-dev/E2B/issues/884). A file in the sandbox holds the time at which it was last written there,
 * and so does a file here. Files of the sandbox that are older than what is known here have been lost.
 */
export interface Markers {
  /** Writes a new one in the sandbox, then here. */
  write(sandbox: SdkSandbox, signal: AbortSignal): Promise<void>;
  /** Whether the sandbox has at least the files that it had when a marker was last written. */
  isIntact(sandbox: SdkSandbox, signal: AbortSignal): Promise<boolean>;
  forget(sandboxId: string): Promise<void>;
}

// On its disk before the sandbox pauses, whatever E2B keeps of what is in its memory.
const WRITE = `printf %s "$1" >${MARKER_FILE} && sync && echo written`;

/** @param stateFolder of the provider; where it can't be written to, a marker has only to be there */
export function createMarkers(stateFolder: string): Markers {
  const folder = join(stateFolder, "markers");
  return {
    write: async (sandbox, signal) => {
      const time = String(Date.now());
      const said = await runHelper(sandbox, ["/bin/sh", "-c", WRITE, "sandpiper", time], signal);
      if (said !== "written\n") return;
      await mkdir(folder, { recursive: true, mode: 0o700 })
        .then(() => writeFile(join(folder, sandbox.sandboxId), time, { mode: 0o600 }))
        .catch(() => {});
    },
    isIntact: async (sandbox, signal) => {
      const argv = ["/bin/sh", "-c", `cat ${MARKER_FILE}; exit 0`];
      const [there, here] = await Promise.all([
        runHelper(sandbox, argv, signal),
        readFile(join(folder, sandbox.sandboxId), "utf8").catch(() => "0"),
      ]);
      return /^\d+$/.test(there) && Number(there) >= Number(here);
    },
    forget: async (sandboxId) => {
      await rm(join(folder, sandboxId), { force: true }).catch(() => {});
    },
  };
}
