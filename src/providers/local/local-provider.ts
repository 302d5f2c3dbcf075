import { randomBytes } from "node:crypto";
import type { Call } from "../../core/call.ts";
import type { Provider, SandboxSpec, SandboxSummary } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { Sandbox } from "../../core/sandbox.ts";
import type { ProviderDeps } from "../registry.ts";
import type { Boundary } from "./boundary.ts";
import { INSIDE_UID } from "./bwrap-arguments.ts";
import { createBwrapBoundary } from "./bwrap-boundary.ts";
import { findBwrap } from "./check-bwrap.ts";
import { findGvisor } from "./check-gvisor.ts";
import { checkLocalSpec } from "./check-spec.ts";
import { removeControlGroups } from "./control-groups.ts";
import { createGvisorBoundary } from "./gvisor-boundary.ts";
import { createLocalSandbox } from "./local-sandbox.ts";
import { createSandboxFolder, killNotedRuns, removeSandboxFolder } from "./sandbox-folder.ts";
import { listSandboxIds, readRecord, type SandboxRecord, toSandboxFolder, writeRecord } from "./sandbox-record.ts";
import { findToolchains } from "./toolchains.ts";

/** Above the ranges that systemd and container tools hand out. */
const FIRST_HOST_UID = 1879048192;

/**
 * Sandboxes on this tools without a daemon. `options.boundary` is "namespaces" (the default) or "gvisor". What cannot
 * be isolated is refused with the fix; nothing ever runs on the host instead.
 */
export function createLocalProvider(options: Readonly<Record<string, string>>, deps: ProviderDeps): Provider {
  const boundary = toBoundary(options["boundary"] ?? "namespaces");
  const uid = process.getuid?.() ?? -1;
  let tools: Promise<OpenBoundary> | undefined;
  /** One object per sandbox, so that whoever destroys it here ends what runs in it here. */
  const open = new Map<string, Sandbox>();

  const findTools = async (call: Call): Promise<OpenBoundary> => {
    call.signal.throwIfAborted();
    tools ??= findBoundary(boundary, deps, call);
    try {
      return await tools;
    } catch (error) {
      // Not kept: the user may have mended it.
      tools = undefined;
      throw error;
    }
  };

  const openSandbox = (record: SandboxRecord, folder: string, found: OpenBoundary): Sandbox => {
    const known = open.get(record.id);
    if (known) return known;
    const sandbox = createLocalSandbox(record, folder, found(record, folder));
    open.set(record.id, sandbox);
    return sandbox;
  };

  return {
    id: "local",
    title: "This machine",
    boundary,
    check: async (call) => void (await findTools(call)),
    gpuTiers: async () => [],
    create: async (spec, call) => {
      checkLocalSpec(spec);
      const found = await findTools(call);
      const record = toRecord(spec, boundary, uid);
      const folder = toSandboxFolder(deps.stateFolder, record.id);
      await makeOnDisk(record, folder, call);
      return openSandbox(record, folder, found);
    },
    connect: async (id, call) => {
      call.signal.throwIfAborted();
      const folder = toSandboxFolder(deps.stateFolder, id);
      const record = await readLiveRecord(folder, id);
      return openSandbox(record, folder, await findTools(call));
    },
    list: (call) => listSandboxes(deps.stateFolder, call),
  };
}

/** How to isolate one sandbox, by what the tools offers. */
type OpenBoundary = (record: SandboxRecord, folder: string) => Boundary;

async function findBoundary(
  boundary: SandboxRecord["boundary"],
  deps: ProviderDeps,
  call: Call,
): Promise<OpenBoundary> {
  if (deps.platform !== "linux") throw new SandboxError("unsupported", explainPlatform(deps.platform));
  const uid = process.getuid?.() ?? -1;
  if (boundary === "gvisor") {
    const runsc = findGvisor(deps.env["PATH"], uid, call);
    const toolchains = await findToolchains(deps.env);
    return (record, folder) => createGvisorBoundary(record, folder, { runsc, toolchains });
  }
  const [bwrap, toolchains] = await Promise.all([findBwrap(deps.env["PATH"], uid, call), findToolchains(deps.env)]);
  return (record, folder) => createBwrapBoundary(record, folder, { bwrap, toolchains });
}

function explainPlatform(platform: NodeJS.Platform): string {
  if (platform === "darwin") return "Local sandboxes do not run on macOS yet. Choose Docker.";
  if (platform === "win32")
    return "Local sandboxes do not run on Windows yet. Choose Docker, or open the folder in WSL.";
  return `There are no local sandboxes on ${platform}. Choose another provider.`;
}

async function readLiveRecord(folder: string, id: string): Promise<SandboxRecord> {
  const record = await readRecord(folder, id);
  if (Date.now() < Date.parse(record.expiresAt)) return record;
  throw new SandboxError("not-found", `The local sandbox ${id} reached its time limit. Start a new session.`);
}

function toBoundary(text: string): "namespaces" | "gvisor" {
  if (text === "namespaces" || text === "gvisor") return text;
  throw new SandboxError("invalid", `Local sandboxes have no boundary "${text}". Choose "namespaces" or "gvisor".`);
}

function toRecord(spec: SandboxSpec, boundary: SandboxRecord["boundary"], uid: number): SandboxRecord {
  const now = Date.now();
  return {
    version: 1,
    id: `sp-${randomBytes(8).toString("hex")}`,
    spec,
    boundary,
    // One of its own for each, so that neither process limits nor files are shared between sandboxes.
    hostUid: uid === 0 ? FIRST_HOST_UID + randomBytes(3).readUIntBE(0, 3) : uid,
    createdAt: new Date(now).toISOString(),
    expiresAt: new Date(now + spec.lifetimeMs).toISOString(),
  };
}

async function makeOnDisk(record: SandboxRecord, folder: string, call: Call): Promise<void> {
  try {
    await createSandboxFolder(folder, record.hostUid, record.boundary === "gvisor" ? record.hostUid : INSIDE_UID);
    call.signal.throwIfAborted();
    await writeRecord(folder, record);
  } catch (error) {
    await removeSandboxFolder(folder).catch(() => {});
    throw toCreateError(error, call);
  }
}

function toCreateError(error: unknown, call: Call): unknown {
  call.signal.throwIfAborted();
  if (error instanceof SandboxError) return error;
  return new SandboxError(
    "unavailable",
    `The sandbox's folder could not be made: ${error instanceof Error ? error.message : String(error)}`,
    { cause: error },
  );
}

async function sweep(id: string, folder: string, call: Call): Promise<void> {
  killNotedRuns(folder);
  await removeControlGroups(id, process.getuid?.() ?? -1);
  await removeSandboxFolder(folder).catch((error: unknown) =>
    call.logger.warn(`Could not remove ${id}: ${String(error)}`),
  );
}

/** Removes what has reached its time on the way. */
async function* listSandboxes(stateFolder: string, call: Call): AsyncIterable<SandboxSummary> {
  for (const id of await listSandboxIds(stateFolder)) {
    call.signal.throwIfAborted();
    const folder = toSandboxFolder(stateFolder, id);
    const record = await readRecord(folder, id).catch(() => undefined);
    if (!record) continue;
    const expiresAt = new Date(record.expiresAt);
    if (Date.now() >= expiresAt.getTime()) {
      await sweep(id, folder, call);
      continue;
    }
    yield {
      id,
      name: record.spec.name,
      labels: record.spec.labels,
      createdAt: new Date(record.createdAt),
      expiresAt,
      running: true,
    };
  }
}
