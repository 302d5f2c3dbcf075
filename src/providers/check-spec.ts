import type { SandboxSpec } from "../core/provider.ts";
import type { Command } from "../core/sandbox.ts";
import { SandboxError } from "../core/sandbox-error.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const LABEL = /^[A-Za-z0-9._-]{1,63}$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Holds a spec against what `SandboxSpec` promises. @throws {SandboxError} `invalid`, naming the field */
export function checkSpec(spec: SandboxSpec, leastMemoryMiB: number): void {
  if (!/^[a-z0-9-]{1,63}$/.test(spec.name)) refuse("name", "1 to 63 of a-z, 0-9 and -");
  for (const [key, value] of Object.entries(spec.labels))
    if (!LABEL.test(key) || !LABEL.test(value)) refuse("labels", "1 to 63 of A-Z, a-z, 0-9, ., _ and - on both sides");
  if (!(spec.lifetimeMs > 0 && spec.lifetimeMs <= DAY_MS)) refuse("lifetimeMs", "more than 0 and at most 24 hours");
  if (!(spec.cpus > 0 && spec.cpus <= 1024)) refuse("cpus", "more than 0");
  checkWhole("memoryMiB", spec.memoryMiB, leastMemoryMiB);
  checkWhole("maxProcesses", spec.maxProcesses, 1);
  checkWhole("diskMiB", spec.diskMiB, 1);
  checkEnv(spec.env);
}

/** For providers that can let everything out or nothing. @throws {SandboxError} `unsupported` rather than let out more */
export function refuseAllowList({ network }: SandboxSpec, who: string): void {
  if (network !== "allow-list") return;
  const message = `${who} can reach everything or nothing, not a list of hosts. Set the network to "none" or "full", or choose Modal.`;
  throw new SandboxError("unsupported", message);
}

/** What no program can be started with. @throws {SandboxError} `invalid` */
export function checkCommand({ argv, env = {} }: Command): void {
  if (!argv[0]) throw new SandboxError("invalid", "The command is empty: name a program to run.");
  if (argv.some((argument) => argument.includes("\0")))
    throw new SandboxError("invalid", "An argument of the command contains a NUL byte, which no program can be given.");
  checkEnv(env);
}

function checkEnv(env: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(env))
    if (!VARIABLE.test(name) || value.includes("\0"))
      refuse("env", "names of letters, digits and _, values without NUL bytes");
}

function checkWhole(field: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least || value > 2 ** 30) refuse(field, `a whole number from ${least} up`);
}

function refuse(field: string, wanted: string): never {
  throw new SandboxError("invalid", `The sandbox's ${field} must be ${wanted}.`);
}
