import { randomBytes } from "node:crypto";
import { basename } from "node:path";
import type { SandboxSpec } from "../core/provider.ts";
import { NO_GPU } from "./cost/no-gpu.ts";
import type { Clock } from "./clock.ts";
import type { SessionRecord, Target } from "./records.ts";
import { toWorkspaceHash } from "./state-folder.ts";

/** The label that says which installation made a sandbox; a sweep looks at no other's. */
export const INSTALL_LABEL = "sandpiper.install";
/** The label that leads from a sandbox to its entry in the ledger. */
export const SESSION_LABEL = "sandpiper.session";
const WORKSPACE_LABEL = "sandpiper.workspace";

/** What to create for a session. */
export function toSandboxSpec(record: SessionRecord, installId: string): SandboxSpec {
  const { target } = record;
  // What it got may be one of its fall-backs.
  const gpu = record.gpu ?? target.gpu;
  return {
    name: `sandpiper-${toNamePart(record.workspaceRoot)}-${record.id}`.slice(0, 63),
    labels: {
      [INSTALL_LABEL]: installId,
      [SESSION_LABEL]: record.id,
      [WORKSPACE_LABEL]: toWorkspaceHash(record.workspaceRoot),
    },
    ...(target.image === undefined ? {} : { image: target.image }),
    ...(gpu === undefined || gpu === NO_GPU ? {} : { gpu }),
    ...(target.ports === undefined ? {} : { ports: target.ports }),
    network: target.network,
    ...(target.allowedHosts === undefined ? {} : { allowedHosts: target.allowedHosts }),
    memoryMiB: target.memoryMiB,
    cpus: target.cpus,
    maxProcesses: target.maxProcesses,
    diskMiB: target.diskMiB,
    lifetimeMs: target.lifetimeMs,
    env: {},
  };
}

function toNamePart(workspaceRoot: string): string {
  const name = basename(workspaceRoot)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-");
  return name.replace(/^-+|-+$/g, "").slice(0, 24) || "workspace";
}

/** Equal for targets that the same sandbox can serve. */
export function toTargetKey(target: Target): string {
  const { options, ...rest } = target;
  return JSON.stringify([toSorted(rest), toSorted(options)]);
}

function toSorted(record: object): unknown {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}

let last = { now: 0, count: 0 };

/** Unique, short enough to type, and in the order in which this process made them when sorted as text. */
export function createId(clock: Pick<Clock, "now">): string {
  const now = clock.now();
  last = { now, count: now === last.now ? last.count + 1 : 0 };
  return `${now.toString(36)}-${last.count.toString(36).padStart(2, "0")}${randomBytes(3).toString("hex")}`;
}
