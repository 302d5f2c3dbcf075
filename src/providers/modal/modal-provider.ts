import { createHash } from "node:crypto";
import type { Call } from "../../core/call.ts";
import type { Provider, SandboxSummary } from "../../core/provider.ts";
import type { Sandbox, SavedState } from "../../core/sandbox.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import type { ProviderDeps } from "../provider-deps.ts";
import { type Account, type WithAccount, createAccounts } from "./account.ts";
import { createSandbox } from "./create-sandbox.ts";
import { GPU_TIERS } from "./gpu-tiers.ts";
import { listSandboxes } from "./list-sandboxes.ts";
import { type ModalOptions, parseModalOptions } from "./modal-options.ts";
import { createModalSandbox, isGone, newGoneError } from "./modal-sandbox.ts";
import { resumeSandbox } from "./resume-sandbox.ts";
import { deleteImage } from "./saved-state.ts";
import { OUR_TAGS, readTags } from "./tags.ts";
import { isNotFound } from "./to-sandbox-error.ts";

const CHECK_TIMEOUT_MS = 15_000;
const EXIT_IMAGE_TIMEOUT_MS = 60_000;
/** Modal keeps the file system of an ended sandbox as any image, 30 days unless told otherwise. */
const EXIT_IMAGE_KEPT_MS = 30 * 24 * 60 * 60 * 1000;

/**
 * What an account on Modal's smallest plan, "Starter", may run at once, as https://modal.com/pricing says of containers
 * (1,000 on "Team", more by agreement; of GPUs 10 and 50). Modal does not tell which plan an account has.
 */
const CONTAINERS_OF_STARTER_PLAN = 100;

/**
 * Modal Sandboxes (https://modal.com/docs/guide/sandbox). Options: see `ModalOptions`. Modal limits memory, processors and
 * time; what processes and the disk may take is limited from inside, by the sandbox's first process and its rlimits.
 */
export function createModalProvider(options: Readonly<Record<string, string>>, deps: ProviderDeps): Provider {
  const parsed = parseModalOptions(options);
  const withAccount = createAccounts(deps, parsed.environment);
  return {
    id: "modal",
    title: "Modal",
    boundary: "gvisor",
    maxConcurrentSandboxes: CONTAINERS_OF_STARTER_PLAN,
    get savedStatePlace() {
      return `modal/${parsed.environment ?? "default"}/${toAccountName(deps)}`;
    },
    check: (call) => check(withAccount, parsed, call),
    gpuTiers: async () => GPU_TIERS,
    create: (spec, call, progress = () => {}) =>
      withAccount(call, (account) => createSandbox(account, parsed, { spec, call, progress }), spec.gpu),
    connect: (id, call) => withAccount(call, (account) => connect(account, id, call)),
    list: (call) => list(withAccount, parsed, call),
    deleteSaved: (id, call) => withAccount(call, (account) => deleteImage(account, id, call)),
    ...(parsed.exitSnapshot
      ? { findExitImage: (id, call) => withAccount(call, (account) => findExitImage(account, id, call)) }
      : {}),
    ...(parsed.memorySnapshot
      ? {
          resume: (id, spec, call) =>
            withAccount(call, (account) => resumeSandbox(account, parsed, { id, spec, call })),
        }
      : {}),
  };
}

/** Tells accounts apart without naming them; a new token for the same one counts as another. */
function toAccountName({ readCredential }: ProviderDeps): string {
  const tokenId = readCredential?.()?.["tokenId"];
  return tokenId === undefined ? "nobody" : createHash("sha256").update(tokenId).digest("hex").slice(0, 12);
}

async function check(withAccount: WithAccount, { app, environment }: ModalOptions, call: Call): Promise<void> {
  const timeout = AbortSignal.timeout(CHECK_TIMEOUT_MS);
  const bounded = { ...call, signal: AbortSignal.any([call.signal, timeout]) };
  try {
    await withAccount(bounded, async ({ client }) => {
      try {
        await abortable(client.apps.fromName(app), bounded.signal);
      } catch (error) {
        if (!isNotFound(error)) throw error;
        // It is made with the first sandbox; the environment is not.
        if (environment !== undefined) await checkEnvironment(client, environment, bounded);
      }
    });
  } catch (error) {
    if (timeout.aborted && !call.signal.aborted)
      throw new SandboxError("unavailable", "Modal does not answer. Check the network, or try again later.");
    throw error;
  }
}

async function checkEnvironment(client: Account["client"], environment: string, { signal }: Call): Promise<void> {
  try {
    await abortable(client.environments.fromName(environment), signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new SandboxError(
      "invalid",
      `Modal has no environment "${environment}" in that workspace. Correct the option environment.`,
    );
  }
}

async function connect(account: Account, id: string, call: Call): Promise<Sandbox> {
  if (!/^[\w-]{1,128}$/.test(id)) throw newGoneError();
  const sandbox = await account.client.sandboxes.fromId(id);
  const tags = await abortable(sandbox.getTags(), call.signal).catch((error: unknown) => {
    if (isNotFound(error) || (error instanceof Error && error.name === "InvalidError")) throw newGoneError();
    throw error;
  });
  const facts = readTags(tags);
  if (!facts || (await isGone(sandbox, call))) throw newGoneError();
  return createModalSandbox(account, sandbox, facts);
}

async function* list(withAccount: WithAccount, { app }: ModalOptions, call: Call): AsyncGenerator<SandboxSummary> {
  yield* await withAccount(call, async (account) => {
    const appId = await findAppId(account, app, call);
    const found: SandboxSummary[] = [];
    if (appId === undefined) return found;
    for await (const { id, createdAt, tags } of listSandboxes(account, appId, OUR_TAGS, call)) {
      const facts = readTags(tags);
      if (!facts) continue;
      const { name, labels, expiresAt } = facts;
      found.push({ id, createdAt, running: true, name, labels, expiresAt });
    }
    return found;
  });
}

/** Undefined when there is no such app yet: it comes with the first sandbox. */
async function findAppId({ client }: Account, name: string, { signal }: Call): Promise<string | undefined> {
  try {
    return (await abortable(client.apps.fromName(name), signal)).appId;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function findExitImage({ client }: Account, id: string, { signal }: Call): Promise<SavedState | undefined> {
  const sandbox = await client.sandboxes.fromId(id);
  try {
    const image = await abortable(sandbox.experimentalGetExitSnapshot({ timeoutMs: EXIT_IMAGE_TIMEOUT_MS }), signal);
    return { id: image.imageId, expiresAt: new Date(Date.now() + EXIT_IMAGE_KEPT_MS) };
  } catch (error) {
    // Made without the option, or gone: there is none, and there will be none.
    if (isNotFound(error) || (error instanceof Error && ["InvalidError", "SnapshotCreationError"].includes(error.name)))
      return undefined;
    throw error;
  }
}
