import type { SandboxRuntimeConfig } from "@anthropic-ai/sandbox-runtime";
import { join } from "node:path";
import type { NetworkPolicy } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { Toolchains } from "./toolchains.ts";

/** What a sandbox on macOS may touch. */
export interface SeatbeltPlan {
  /** The sandbox's own folder, with `home` and `tmp` in it. */
  readonly folder: string;
  /** The user's home, all of which is hidden. */
  readonly home: string;
  readonly network: NetworkPolicy;
  readonly toolchains: Toolchains;
}

/** Folders that hold other people's and other programs' data; nothing a program needs to run. */
const HIDDEN = [
  "/Users",
  "/Volumes",
  "/private/var/root",
  "/private/var/db",
  "/private/etc/master.passwd",
  "/Library/Keychains",
];

/**
 * Settings for the sandbox runtime that makes Seatbelt profiles. By default it reads the whole disk: what holds data is
 * hidden here, and shown again is the sandbox's own folder with the toolchains. Writing is allowed in home and tmp alone.
 * Not yet run on a Mac. @throws {SandboxError} `unsupported` for a network policy that it cannot keep
 */
export function toSeatbeltConfig(plan: SeatbeltPlan): SandboxRuntimeConfig {
  // The runtime takes lists of domains, and none that means all of them.
  if (plan.network === "full")
    throw new SandboxError(
      "unsupported",
      "Local sandboxes on macOS have no network. Choose Docker for a run that needs it.",
    );
  const own = ["home", "tmp"].map((name) => join(plan.folder, name));
  return {
    network: { allowedDomains: [], deniedDomains: [], allowLocalBinding: false },
    filesystem: {
      denyRead: [...new Set([plan.home, ...HIDDEN])],
      allowRead: [plan.folder, ...plan.toolchains.paths],
      allowWrite: own,
      denyWrite: [],
    },
  };
}

/** The environment of the runtime's own process, which hands all of it on: nothing of ours is in it. */
export function toSeatbeltEnv(plan: SeatbeltPlan, env: Readonly<Record<string, string>>): Record<string, string> {
  return {
    ...env,
    HOME: join(plan.folder, "home"),
    TMPDIR: join(plan.folder, "tmp"),
    PATH: plan.toolchains.searchPath.join(":"),
  };
}
