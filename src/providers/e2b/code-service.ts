import type { Sandbox as SdkSandbox } from "@e2b/code-interpreter";
import { abortable } from "../abortable.ts";
import { FOLDERS, USER } from "./layout.ts";
import { runHelper } from "./run-helper.ts";

const INTERRUPT_TIMEOUT_MS = 10_000;

/**
 * Whether the sandbox has the service that keeps the state of code, which is a part of its template: asked, not guessed by
 * the template's name. Where nothing listens, E2B answers 502, which the SDK tells as a timeout.
 */
export async function hasCodeService(sandbox: SdkSandbox, signal: AbortSignal): Promise<boolean> {
  try {
    await abortable(sandbox.listCodeContexts(), signal);
    return true;
  } catch (error) {
    if (!signal.aborted && isAbsence(error)) return false;
    throw error;
  }
}

function isAbsence(error: unknown): boolean {
  return error instanceof Error && ["TimeoutError", "NotFoundError"].includes(error.name);
}

/**
 * Jupyter's own way, which the service does not offer (POST /api/kernels/ID/interrupt, see
 * https://jupyter-server.readthedocs.io/en/latest/developers/rest-api.html), else the signal that it sends to a kernel's
 * group; a kernel's command line names the file of its connection, and with it the context's id, $1.
 */
const INTERRUPT = `
url=http://localhost:8888/api/kernels/$1/interrupt
if command -v curl >/dev/null && curl -fsS -m 5 -o /dev/null -X POST "$url" 2>/dev/null; then exit 0; fi
for line in $(grep -l -a -e "kernel-$1" /proc/[0-9]*/cmdline 2>/dev/null); do
  pid=\${line#/proc/}
  pid=\${pid%/cmdline}
  if [ "$pid" != $$ ]; then kill -INT "-$pid" 2>/dev/null || kill -INT "$pid" 2>/dev/null; fi
done
exit 0
`.replaceAll("\\$", "$");

/** Interrupts the cell that runs in a context. */
export async function interruptContext(sandbox: SdkSandbox, contextId: string): Promise<void> {
  const argv = ["/bin/sh", "-c", INTERRUPT, "sandpiper", contextId];
  await runHelper(sandbox, argv, AbortSignal.timeout(INTERRUPT_TIMEOUT_MS));
}

/** The service runs code as root: what a cell has made is given to the user of commands, who could not change it. */
export async function giveFilesToUser(sandbox: SdkSandbox, signal: AbortSignal): Promise<void> {
  const script = `find "$1" -user root -exec chown -h ${USER}:${USER} {} + 2>/dev/null; exit 0`;
  await runHelper(sandbox, ["/bin/sh", "-c", script, "sandpiper", FOLDERS.workspace], signal);
}
