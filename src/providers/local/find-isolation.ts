import type { Call } from "../../core/call.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { ProviderDeps } from "../provider-deps.ts";
import type { Isolation } from "./boundary.ts";
import { INSIDE_UID } from "./bwrap-arguments.ts";
import { createBwrapBoundary } from "./bwrap-boundary.ts";
import { findBwrap } from "./check-bwrap.ts";
import { findGvisor } from "./check-gvisor.ts";
import { findWsl } from "./check-wsl.ts";
import { createGvisorBoundary } from "./gvisor-boundary.ts";
import { createSandboxFolder } from "./sandbox-folder.ts";
import type { SandboxRecord } from "./sandbox-record.ts";
import { checkSeatbelt, createSeatbeltBoundary } from "./seatbelt-boundary.ts";
import type { Host } from "./spawn-run.ts";
import { findToolchains } from "./toolchains.ts";
import { createWslBoundary, prepareInWsl } from "./wsl-boundary.ts";

/** What isolates on that platform, "gvisor" where it is asked for. @throws {SandboxError} `invalid` for what nobody knows */
export function toBoundaryName(text: string, platform: NodeJS.Platform): SandboxRecord["boundary"] {
  if (text === "namespaces") return platform === "darwin" ? "seatbelt" : "namespaces";
  if (text === "gvisor") return "gvisor";
  throw new SandboxError("invalid", `Local sandboxes have no boundary "${text}". Choose "namespaces" or "gvisor".`);
}

/** Looks at what the machine has. @throws {SandboxError} `unavailable` or `unsupported` with what to do when it cannot isolate as asked */
export async function findIsolation(
  boundary: SandboxRecord["boundary"],
  deps: ProviderDeps,
  host: Host,
  call: Call,
): Promise<Isolation> {
  if (boundary === "gvisor" && (deps.platform === "darwin" || deps.platform === "win32"))
    throw new SandboxError(
      "unsupported",
      'Local sandboxes behind gVisor run on Linux alone. Choose the boundary "namespaces" (setting sandpiper.local.boundary), or Docker.',
    );
  if (deps.platform === "darwin") return findSeatbelt(deps, host, call);
  if (deps.platform === "win32") return findWslHere(deps, host, call);
  if (deps.platform === "linux") return boundary === "gvisor" ? findGvisorHere(deps, call) : findNamespaces(deps, call);
  throw new SandboxError("unsupported", `There are no local sandboxes on ${deps.platform}. Choose another provider.`);
}

async function findGvisorHere(deps: ProviderDeps, call: Call): Promise<Isolation> {
  const runsc = findGvisor(deps.env["PATH"], process.getuid?.() ?? -1, call);
  const toolchains = await findToolchains(deps.env);
  return {
    prepare: ({ hostUid }, folder) => createSandboxFolder(folder, hostUid, hostUid),
    open: (record, folder) => createGvisorBoundary(record, folder, { runsc, toolchains }),
  };
}

async function findNamespaces(deps: ProviderDeps, call: Call): Promise<Isolation> {
  const bwrap = findBwrap(deps.env["PATH"], process.getuid?.() ?? -1, call);
  const [found, toolchains] = await Promise.all([bwrap, findToolchains(deps.env)]);
  return {
    prepare: ({ hostUid }, folder) => createSandboxFolder(folder, hostUid, INSIDE_UID),
    open: (record, folder) => createBwrapBoundary(record, folder, { bwrap: found, toolchains }),
  };
}

async function findSeatbelt(deps: ProviderDeps, host: Host, call: Call): Promise<Isolation> {
  const home = deps.env["HOME"];
  // What has to be hidden must be known.
  if (!home) throw new SandboxError("unavailable", "HOME is not set. Start the editor from a login session.");
  if (host.uid === 0)
    throw new SandboxError(
      "unsupported",
      "Root's local sandboxes on macOS would run as root. Start the editor as an ordinary user, or choose Docker.",
    );
  await checkSeatbelt(host.spawn, call);
  const machine = { spawn: host.spawn, home, toolchains: await findToolchains(deps.env) };
  // Its processes are the user's own.
  const own = process.getuid?.() ?? -1;
  const open: Isolation["open"] = (record, folder) => createSeatbeltBoundary(record, folder, machine);
  return {
    prepare: async (record, folder) => {
      // Refuses what it cannot keep before anything is made.
      open(record, folder);
      await createSandboxFolder(folder, own, INSIDE_UID);
    },
    open,
  };
}

async function findWslHere(deps: ProviderDeps, host: Host, call: Call): Promise<Isolation> {
  const machine = await findWsl({ spawn: host.spawn, env: deps.env }, call);
  return {
    prepare: (record, folder, prepareCall) => prepareInWsl(machine, record, folder, prepareCall),
    open: (record) => createWslBoundary(record, machine),
  };
}
