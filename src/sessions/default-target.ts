import type { Target } from "./records.ts";

/** Where a run goes when nobody says otherwise. package.json declares the same values for the editor. */
export const DEFAULT_TARGET: Target = {
  providerId: "local",
  options: {},
  network: "none",
  memoryMiB: 2048,
  cpus: 2,
  maxProcesses: 512,
  diskMiB: 4096,
  lifetimeMs: 60 * 60_000,
};

/** Files larger than this many MiB are left out unless somebody says otherwise. */
export const DEFAULT_MAX_FILE_MIB = 50;

/** A push of more MiB than this is blocked unless somebody says otherwise. */
export const DEFAULT_MAX_UPLOAD_MIB = 1024;
