import type { Call } from "../../core/call.ts";
import type { Provider, SandboxSummary } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import type { ProviderDeps } from "../provider-deps.ts";
import { type Account, createAccounts, toPlace, type WithAccount } from "./account.ts";
import { readSnapshotImage } from "./create-params.ts";
import { createSandbox } from "./create-sandbox.ts";
import { parseDaytonaOptions } from "./daytona-options.ts";
import { deleteSandbox } from "./daytona-sandbox.ts";
import { GPU_TIERS } from "./gpu-tiers.ts";
import { deleteSnapshot, listSnapshots } from "./images.ts";
import { OUR_LABELS, readLabels } from "./labels.ts";
import { connectSandbox, findSandbox, resumeSandbox } from "./open-sandbox.ts";
import { withRetries } from "./retry.ts";

const CHECK_TIMEOUT_MS = 15_000;
const PAGE = 100;
/** What can be started again, or runs, or is about to. */
const LIVING = new Set([
  "creating",
  "starting",
  "started",
  "stopping",
  "stopped",
  "snapshotting",
  "restoring",
  "resuming",
]);

/**
 * Daytona (https://www.daytona.io/docs). Options: see `DaytonaOptions`. Daytona limits memory and processors, and time in
 * whole minutes; what processes and the disk may take is limited from inside. A snapshot decides sizes itself. Pausing
 * keeps files alone, and no sandbox with a GPU can be paused: Daytona deletes it when it stops.
 */
export function createDaytonaProvider(options: Readonly<Record<string, string>>, deps: ProviderDeps): Provider {
  const parsed = parseDaytonaOptions(options);
  const withAccount = createAccounts(deps, parsed);
  return {
    id: "daytona",
    title: "Daytona",
    boundary: "container",
    get savedStatePlace() {
      return toPlace(deps, parsed);
    },
    check: (call) => check(withAccount, call),
    gpuTiers: async () => GPU_TIERS,
    create: (spec, call, progress = () => {}) =>
      withAccount(call, (account) => createSandbox(account, parsed, { spec, call, progress }), spec.gpu),
    connect: (id, call) => withAccount(call, (account) => connectSandbox(account, id, call)),
    list: (call) => list(withAccount, call),
    deleteSaved: (id, call) => withAccount(call, (account) => deleteSaved(account, id, call)),
    listImages: (call) => withAccount(call, (account) => listSnapshots(account, call)),
    resume: (id, spec, call) => withAccount(call, (account) => resumeSandbox(account, { id, spec, call })),
  };
}

async function check(withAccount: WithAccount, call: Call): Promise<void> {
  const timeout = AbortSignal.timeout(CHECK_TIMEOUT_MS);
  const bounded = { ...call, signal: AbortSignal.any([call.signal, timeout]) };
  try {
    await withAccount(bounded, (account) => findFirst(account, bounded));
  } catch (error) {
    if (timeout.aborted && !call.signal.aborted)
      throw new SandboxError("unavailable", "Daytona does not answer. Check the network, or try again later.");
    throw error;
  }
}

/** The smallest question that only who may use sandboxes is answered. */
async function findFirst({ client }: Account, call: Call): Promise<void> {
  await withRetries(call, async () => {
    await client.list({ labels: { ...OUR_LABELS }, limit: 1 }).next();
  });
}

async function* list(withAccount: WithAccount, call: Call): AsyncGenerator<SandboxSummary> {
  yield* await withAccount(call, (account) => withRetries(call, () => listAll(account, call)));
}

async function listAll({ client }: Account, call: Call): Promise<SandboxSummary[]> {
  const found: SandboxSummary[] = [];
  const pages = client.list({ labels: { ...OUR_LABELS }, limit: PAGE });
  for (let next = await abortable(pages.next(), call.signal); !next.done;) {
    const { id, labels, createdAt, state = "" } = next.value;
    const facts = readLabels(labels);
    // What is paused is waited for by somebody.
    if (facts && !facts.isPaused && LIVING.has(state)) {
      const { name, labels: own, expiresAt } = facts;
      const made = createdAt === undefined ? new Date() : new Date(createdAt);
      found.push({ id, name, labels: own, createdAt: made, expiresAt, running: state === "started" });
    }
    next = await abortable(pages.next(), call.signal);
  }
  return found;
}

/** A snapshot as `Images` names it, or a paused sandbox. */
async function deleteSaved(account: Account, id: string, call: Call): Promise<void> {
  const snapshot = readSnapshotImage(id);
  if (snapshot !== undefined) return deleteSnapshot(account, snapshot, call);
  const found = await findSandbox(account, id, call);
  if (found?.facts.isPaused) await deleteSandbox(account, found.sandbox, call);
}
