import { createHash } from "node:crypto";
import type { Call } from "../../core/call.ts";
import type { Provider, SandboxSummary } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import type { ProviderDeps } from "../provider-deps.ts";
import { type Account, type WithAccount, createAccounts } from "./account.ts";
import { createSandbox } from "./create-sandbox.ts";
import { parseE2bOptions } from "./e2b-options.ts";
import { deleteSnapshot, listImages } from "./images.ts";
import { listSandboxes } from "./list-sandboxes.ts";
import { createMarkers } from "./marker.ts";
import { OUR_METADATA, readMetadata } from "./metadata.ts";
import { connectSandbox, deletePaused, findPaused, resumeSandbox } from "./resume-sandbox.ts";
import { withRetries } from "./retry.ts";

const CHECK_TIMEOUT_MS = 15_000;

/**
 * E2B sandboxes (https://e2b.dev/docs): micro-VMs made from templates, which decide processors and memory. E2B limits those,
 * the disk and time; what processes and the disk may take within that is limited from inside. Commands run as the
 * template's user, who may become root where the template allows it: the boundary is the machine's.
 * Options: see `E2bOptions`.
 */
export function createE2bProvider(options: Readonly<Record<string, string>>, deps: ProviderDeps): Provider {
  const parsed = parseE2bOptions(options);
  const withAccount = createAccounts(deps, parsed);
  const context = { options: parsed, markers: createMarkers(deps.stateFolder) };
  return {
    id: "e2b",
    title: "E2B",
    boundary: "microvm",
    maxConcurrentSandboxes: parsed.maxConcurrent,
    get savedStatePlace() {
      return `e2b/${parsed.domain ?? "default"}/${toAccountName(deps)}`;
    },
    check: (call) => check(withAccount, call),
    gpuTiers: async () => [],
    create: (spec, call) => withAccount(call, (account) => createSandbox(account, context, { spec, call })),
    connect: (id, call) => withAccount(call, (account) => connectSandbox(account, context, id, call)),
    list: (call) => list(withAccount, call),
    listImages: (call) => withAccount(call, (account) => listImages(account, call)),
    deleteSaved: (id, call) =>
      withAccount(call, async (account) => {
        await context.markers.forget(id);
        if (!(await deletePaused(account, id, call))) await deleteSnapshot(account, id, call);
      }),
    resume: (id, spec, call) => withAccount(call, (account) => resumeSandbox(account, context, { id, spec, call })),
    ...(parsed.autoPause
      ? { findPaused: (id: string, call: Call) => withAccount(call, (account) => findPaused(account, id, call)) }
      : {}),
  };
}

/** Tells accounts apart without naming them; a new key for the same one counts as another. */
function toAccountName({ readCredential }: ProviderDeps): string {
  const apiKey = readCredential?.()?.["apiKey"];
  return apiKey === undefined ? "nobody" : createHash("sha256").update(apiKey).digest("hex").slice(0, 12);
}

async function check(withAccount: WithAccount, call: Call): Promise<void> {
  const timeout = AbortSignal.timeout(CHECK_TIMEOUT_MS);
  const bounded = { ...call, signal: AbortSignal.any([call.signal, timeout]) };
  try {
    await withAccount(bounded, (account) => readOne(account, bounded));
  } catch (error) {
    if (timeout.aborted && !call.signal.aborted)
      throw new SandboxError("unavailable", "E2B does not answer. Check the network, or try again later.");
    throw error;
  }
}

/** The cheapest question that only an accepted key is answered. */
async function readOne({ client }: Account, call: Call): Promise<void> {
  const { signal } = call;
  await withRetries(call, () => abortable(client.Sandbox.list({ limit: 1 }).nextItems({ signal }), signal));
}

async function* list(withAccount: WithAccount, call: Call): AsyncGenerator<SandboxSummary> {
  yield* await withAccount(call, async (account) => {
    const found: SandboxSummary[] = [];
    for await (const { sandboxId, metadata, state, startedAt, endAt } of listSandboxes(
      account.client.Sandbox,
      OUR_METADATA,
      call,
    )) {
      const facts = readMetadata(metadata);
      if (!facts) continue;
      const running = state === "running";
      const { name, labels } = facts;
      // What is paused has no end.
      found.push({
        id: sandboxId,
        name,
        labels,
        createdAt: startedAt,
        running,
        ...(running ? { expiresAt: endAt } : {}),
      });
    }
    return found;
  });
}
