import { randomBytes } from "node:crypto";
import type { Call } from "../../core/call.ts";
import type { Provider, SandboxSpec, SandboxSummary } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { Sandbox } from "../../core/sandbox.ts";
import type { ProviderDeps } from "../provider-deps.ts";
import type { Isolation } from "./boundary.ts";
import { checkLocalSpec } from "./check-spec.ts";
import { removeControlGroups } from "./control-groups.ts";
import { findIsolation, toBoundaryName } from "./find-isolation.ts";
import { createLocalSandbox } from "./local-sandbox.ts";
import { killNotedRuns, removeSandboxFolder } from "./sandbox-folder.ts";
import { listSandboxIds, readRecord, type SandboxRecord, toSandboxFolder, writeRecord } from "./sandbox-record.ts";
import { type Host, spawnApart } from "./spawn-run.ts";

/** Above the ranges that systemd and container tools hand out. */
const FIRST_HOST_UID = 1879048192;

/**
 * Sandboxes on this machine without a daemon: bubblewrap on Linux and, through WSL 2, on Windows, Seatbelt on macOS.
 * `options.boundary` is "namespaces" (the default: whichever of these) or "gvisor" (Linux). What cannot be isolated is
 * refused with the fix; nothing ever runs on the host instead.
 */
export function createLocalProvider(
  options: Readonly<Record<string, string>>,
  deps: ProviderDeps,
  host: Host = { spawn: spawnApart, uid: process.getuid?.() ?? -1 },
): Provider {
  const boundary = toBoundaryName(options["boundary"] ?? "namespaces", deps.platform);
  const findTools = keepOnceFound((call) => findIsolation(boundary, deps, host, call));
  /** One object per sandbox, so that whoever destroys it here ends what runs in it here. */
  const open = new Map<string, Sandbox>();

  const openSandbox = (record: SandboxRecord, folder: string, found: Isolation): Sandbox => {
    const known = open.get(record.id);
    if (known) return known;
    const sandbox = createLocalSandbox(record, folder, found.open(record, folder));
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
      const record = toRecord(spec, boundary, host.uid);
      const folder = toSandboxFolder(deps.stateFolder, record.id);
      await makeOnDisk(record, folder, found, call);
      return openSandbox(record, folder, found);
    },
    connect: async (id, call) => {
      call.signal.throwIfAborted();
      const folder = toSandboxFolder(deps.stateFolder, id);
      const record = await readLiveRecord(folder, id);
      return openSandbox(record, folder, await findTools(call));
    },
    list: (call) =>
      listSandboxes(deps.stateFolder, call, async (record, folder) => {
        // What is in WSL is to be found in no folder of ours.
        if (deps.platform === "win32") await (await findTools(call)).open(record, folder).remove();
        await sweep(record.id, folder);
      }),
  };
}

function keepOnceFound(find: (call: Call) => Promise<Isolation>): (call: Call) => Promise<Isolation> {
  let found: Promise<Isolation> | undefined;
  return async (call) => {
    call.signal.throwIfAborted();
    found ??= find(call);
    try {
      return await found;
    } catch (error) {
      // Not kept: the user may have mended it.
      found = undefined;
      throw error;
    }
  };
}

async function readLiveRecord(folder: string, id: string): Promise<SandboxRecord> {
  const record = await readRecord(folder, id);
  if (Date.now() < Date.parse(record.expiresAt)) return record;
  throw new SandboxError("not-found", `The local sandbox ${id} reached its time limit. Start a new session.`);
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

async function makeOnDisk(record: SandboxRecord, folder: string, isolation: Isolation, call: Call): Promise<void> {
  let isPrepared = false;
  try {
    await isolation.prepare(record, folder, call);
    isPrepared = true;
    call.signal.throwIfAborted();
    await writeRecord(folder, record);
  } catch (error) {
    if (isPrepared)
      await isolation
        .open(record, folder)
        .remove()
        .catch(() => {});
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

async function sweep(id: string, folder: string): Promise<void> {
  killNotedRuns(folder);
  await removeControlGroups(id, process.getuid?.() ?? -1);
  await removeSandboxFolder(folder);
}

/** Removes what has reached its time on the way. */
async function* listSandboxes(
  stateFolder: string,
  call: Call,
  remove: (record: SandboxRecord, folder: string) => Promise<void>,
): AsyncIterable<SandboxSummary> {
  for (const id of await listSandboxIds(stateFolder)) {
    call.signal.throwIfAborted();
    const folder = toSandboxFolder(stateFolder, id);
    const record = await readRecord(folder, id).catch(() => undefined);
    if (!record) continue;
    const expiresAt = new Date(record.expiresAt);
    if (Date.now() >= expiresAt.getTime()) {
      await remove(record, folder).catch((error: unknown) =>
        call.logger.warn(`Could not remove ${id}: ${String(error)}`),
      );
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
