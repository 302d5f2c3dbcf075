import type { SandboxSpec } from "../../core/provider.ts";

/**
 * Sets resource limits from inside the user namespace, where the kernel (5.14 on) counts processes by themselves, says
 * on the control descriptor 3, where there is one, that the sandbox stands, and becomes the rest of its arguments. $1 file size in blocks of
 * 512, $2 data size in KiB or "", $3 processes.
 */
export const LIMIT_SCRIPT = `
ulimit -c 0
ulimit -f "$1" 2>/dev/null
if [ -n "$2" ]; then ulimit -d "$2"; fi
ulimit -n 4096 2>/dev/null
ulimit -u "$3" 2>/dev/null || ulimit -p "$3"
shift 3
{ echo started >&3; } 2>/dev/null
exec "$@"
`;

/** What Node 24 maps for writing before it does anything: with less it cannot start. */
const LEAST_DATA_MIB = 768;

/** The supervisor and bubblewrap's own. */
const SUPERVISORS = 2;

/** Which limits to set. */
export interface Limits {
  readonly spec: SandboxSpec;
  /** Whether something else limits memory already. */
  readonly limitsMemory: boolean;
  /** Where {@link LIMIT_SCRIPT} is in the sandbox. */
  readonly script: string;
}

/**
 * Puts a command under the limits of a spec. Memory is limited here (as RLIMIT_DATA, per process: unlike RLIMIT_AS it
 * does not count what V8 and the JVM merely reserve) only where there is no control group to do it.
 */
export function limitCommand(argv: readonly string[], { spec, limitsMemory, script }: Limits): string[] {
  const blocks = String(spec.diskMiB * 2048);
  const data = limitsMemory ? "" : String(Math.max(spec.memoryMiB, LEAST_DATA_MIB) * 1024);
  return ["/bin/sh", script, blocks, data, String(spec.maxProcesses + SUPERVISORS), ...argv];
}
