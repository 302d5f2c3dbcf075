import { existsSync } from "node:fs";
import { toBwrapArguments } from "./bwrap-arguments.ts";
import type { Bwrap } from "./check-bwrap.ts";
import { createControlGroups } from "./control-groups.ts";
import { limitCommand } from "./limit-script.ts";
import type { Boundary } from "./local-sandbox.ts";
import { dropRoot } from "./root-stage.ts";
import { listSystemMounts, type Mount } from "./root-mounts.ts";
import { listOwnMounts, prepareShown, SCRIPT_PATHS } from "./sandbox-folder.ts";
import type { SandboxRecord } from "./sandbox-record.ts";
import { OPTIONS_FD } from "./spawn-run.ts";
import type { Toolchains } from "./toolchains.ts";

// Joins control groups (as itself: 0) and becomes the command after "--"; what it starts is born in them.
const JOIN = 'while [ "$1" != -- ]; do echo 0 >"$1"; shift; done; shift; exec "$@"';

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
  const join = groups.joinFiles.length > 0 ? ["/bin/sh", "-c", JOIN, "sandpiper", ...groups.joinFiles, "--"] : [];
  return {
    hasPerl: existsSync("/usr/bin/perl"),
    enter: (argv, env) => ({
      argv: [
        ...join,
        ...stage.argv,
        bwrap.path,
        "--args",
        String(OPTIONS_FD),
        ...limitCommand(argv, { spec, limitsMemory: groups.limitsMemory, script: SCRIPT_PATHS.limit }),
      ],
      options: toBwrapArguments({
        mounts: stage.mounts,
        network: spec.network,
        env: { PATH: toolchains.searchPath.join(":"), ...env },
        hostname: "sandbox",
        memoryMiB: spec.memoryMiB,
        canDisableUserNamespaces: bwrap.canDisableUserNamespaces,
      }),
    }),
    remove: () => groups.remove(),
  };
}
