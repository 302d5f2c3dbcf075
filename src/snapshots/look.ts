import { type BigIntStats, lstatSync } from "node:fs";

/**
 * What is at a path, which is not followed if it is a link; undefined when there is nothing, or nothing that may be
 * looked at. (`throwIfNoEntry` alone still throws where a file is in the place of a folder.)
 */
export function look(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
