import type { Call } from "../../core/call.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { howToInstall } from "./check-bwrap.ts";
import { findProgram } from "./find-program.ts";

/** Finds gVisor's runsc. @throws {SandboxError} `unavailable` or `unsupported` with what to do; there is no weaker fall-back. */
export function findGvisor(path: string | undefined, uid: number, call: Call): string {
  call.signal.throwIfAborted();
  const runsc = findProgram("runsc", `${path ?? ""}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`);
  if (!runsc)
    throw new SandboxError(
      "unavailable",
      `The gvisor boundary needs runsc, which is not installed. ${howToInstall("runsc")} (or see https://gvisor.dev/docs/user_guide/install), or choose the boundary "namespaces".`,
    );
  if (uid !== 0)
    throw new SandboxError(
      "unsupported",
      'Local sandboxes behind gVisor need root. Choose the boundary "namespaces", or Docker with its runsc runtime.',
    );
  return runsc;
}
