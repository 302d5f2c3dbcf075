import { readFileSync, readdirSync } from "node:fs";

const CLOSE_ON_EXEC = 0o2000000;

/**
 * The descriptors above stderr that our own parent left open in us and that children would inherit. Our children get
 * /dev/null in their places: a descriptor of the host's is a hole in a sandbox (CVE-2024-21626).
 */
export function findInheritedFds(): ReadonlySet<number> {
  const names = readFdNames().filter((name) => Number(name) > 2 && isInheritable(name));
  return new Set(names.map(Number));
}

function readFdNames(): string[] {
  try {
    return readdirSync("/proc/self/fdinfo");
  } catch {
    return [];
  }
}

function isInheritable(name: string): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, "latin1"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    return false;
  }
}
