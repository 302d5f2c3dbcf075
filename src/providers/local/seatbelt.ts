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
  "/private/tmp",
  "/private/var/folders",
  "/private/var/root",
  "/private/var/db",
  "/private/etc/master.passwd",
  "/Library/Keychains",
];
/** Of the hidden, what programs need all the same. */
const SHOWN = ["/private/var/db/timezone", "/private/var/db/dyld"];

/** A path that is no pattern, whatever characters it has. */
const literal = (path: string): { path: string; literal: true } => ({ path, literal: true });

/** A port that nothing listens on. */
const NO_PORT = 1;

/**
 * Settings for the sandbox runtime that makes Seatbelt profiles. By default it reads the whole disk: what holds data is
 * hidden here, and shown again are the sandbox's own folders with the toolchains. Writing is allowed in home and tmp alone.
 * Not yet run on a Mac. @throws {SandboxError} `unsupported` for a network policy that it cannot keep
 */
export function toSeatbeltConfig(plan: SeatbeltPlan): SandboxRuntimeConfig {
  // The runtime takes lists of domains, and none that means all of them.
  if (plan.network === "full")
    throw new SandboxError(
      "unsupported",
      "Local sandboxes on macOS have no network. Choose Docker for a run that needs it.",
    );
  const own = ["home", "tmp"].map((name) => literal(join(plan.folder, name)));
  const scripts = join(plan.folder, "etc");
  return {
    network: {
      allowedDomains: [],
      deniedDomains: [],
      strictAllowlist: true,
      allowLocalBinding: false,
      // With ports of its own it would open a proxy on the loopback that the sandbox may talk to.
      httpProxyPort: NO_PORT,
      socksProxyPort: NO_PORT,
    },
    filesystem: {
      denyRead: [...new Set([plan.home, ...HIDDEN])].map(literal),
      allowRead: [...own, ...[scripts, ...plan.toolchains.paths, ...SHOWN].map(literal)],
      allowWrite: own,
      // The runtime lets every sandbox write there.
      denyWrite: ["/tmp/claude", "/private/tmp/claude"].map(literal),
    },
    // The command never sees it; without a path of a file, the runtime asks npm for it.
    javaAgentJarPath: join(scripts, "passwd"),
  };
}

/** The environment of the runtime's own process; it hands all of it on to the shell that starts the command, and nothing of ours is in it. */
export function toSeatbeltEnv(plan: SeatbeltPlan): Record<string, string> {
  return {
    HOME: join(plan.folder, "home"),
    TMPDIR: join(plan.folder, "tmp"),
    PATH: "/usr/bin:/bin:/usr/sbin:/sbin",
    // The engine may be the editor's own program.
    ...(process.versions["electron"] ? { ELECTRON_RUN_AS_NODE: "1" } : {}),
  };
}
