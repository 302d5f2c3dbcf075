import { statSync } from "node:fs";

/**
 * Tells builds of the same version apart, so that an engine which runs code that has been replaced since makes way.
 * @param engineFile the file that the engine is started from
 */
export function toBuildId(version: string, engineFile: string): string {
  const stats = statSync(engineFile, { throwIfNoEntry: false });
  return stats ? `${version}+${Math.trunc(stats.mtimeMs).toString(36)}` : version;
}
