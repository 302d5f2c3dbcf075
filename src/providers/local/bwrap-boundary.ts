import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { superviseCommand, type Supervision } from "../posix/supervise.ts";
import { createNonce } from "../posix/trailer-filter.ts";
import { type Boundary, type FullCommand, WHY_NO_TERMINAL } from "./boundary.ts";
import { toBwrapArguments } from "./bwrap-arguments.ts";
import type { Bwrap } from "./check-bwrap.ts";
import { createControlGroups, joinGroups } from "./control-groups.ts";
import { limitCommand } from "./limit-script.ts";
import { dropRoot } from "./root-stage.ts";
import { listSystemMounts, type Mount } from "./root-mounts.ts";
import { INSIDE, listOwnMounts, prepareShown, SCRIPT_PATHS } from "./sandbox-folder.ts";
import type { SandboxRecord } from "./sandbox-record.ts";
import { CONTROL_FD, OPTIONS_FD, spawnControlled } from "./spawn-run.ts";
import type { Toolchains } from "./toolchains.ts";

/** What a machine offers to all its sandboxes. */
export interface Machine {
  readonly bwrap: Bwrap;
  readonly toolchains: Toolchains;
}

/** Namespaces by bubblewrap: an allow-list root, no network, no capabilities, one unprivileged user. */
export function createBwrapBoundary(record: SandboxRecord, folder: string, machine: Machine): Boundary {
  const { bwrap, toolchains } = machine;
  const { spec } = record;
  // Places for what root has to show by itself, see `dropRoot`.
  prepareShown(folder, toolchains.paths);
  const groups = createControlGroups(record.id, spec, process.getuid?.() ?? -1);
  const shown = toolchains.paths.map((path): Mount => {
    return { kind: "bind", source: path, at: path, writable: false, reachable: false };
  });
  const allMounts = [...listSystemMounts(spec.network), ...listOwnMounts(folder), ...shown];
  const stage = bwrap.rootTools
    ? dropRoot(allMounts, { ...bwrap.rootTools, uid: record.hostUid, folder })
    : { argv: [], mounts: allMounts };
  const join = joinGroups(groups);
  const hasPerl = existsSync("/usr/bin/perl");
  return {
    places: INSIDE,
    watchedFolder: folder,
    ...(hasPerl ? {} : { whyNoTerminal: WHY_NO_TERMINAL }),
    start: (command) => {
      const argv = limitCommand(supervise(command, hasPerl), {
        spec,
        limitsMemory: groups.limitsMemory,
        script: SCRIPT_PATHS.limit,
      });
      const options = toBwrapArguments({
        mounts: stage.mounts,
        network: spec.network,
        env: { PATH: toolchains.searchPath.join(":"), ...command.env },
        hostname: "sandbox",
        memoryMiB: spec.memoryMiB,
        canDisableUserNamespaces: bwrap.canDisableUserNamespaces,
      });
      const outer = [...join, ...stage.argv, bwrap.path, "--args", String(OPTIONS_FD)];
      return spawnControlled([...outer, ...argv], { options, nonce: createNonce() });
    },
    remove: () => groups.remove(),
  };
}

function supervise(command: FullCommand, hasPerl: boolean): string[] {
  const supervision: Supervision = { controlFd: CONTROL_FD, cwd: command.cwd };
  const streams: Supervision = hasPerl
    ? { stdio: command.pty ?? "pipes" }
    : { pidFile: `${INSIDE.private}/run-${randomUUID()}` };
  return superviseCommand(command.argv, { ...supervision, ...streams }, SCRIPT_PATHS);
}
