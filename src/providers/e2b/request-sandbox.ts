import type { Sandbox as SdkSandbox, SandboxOpts } from "@e2b/code-interpreter";
import { type Call, toCleanupCall } from "../../core/call.ts";
import { abortable } from "../abortable.ts";
import type { Account } from "./account.ts";
import { listSandboxes } from "./list-sandboxes.ts";
import { toCreationMetadata } from "./metadata.ts";
import { withRetries } from "./retry.ts";
import { readStatus, toSandboxError } from "./to-sandbox-error.ts";

/** How long a request for a sandbox that nobody wants any more is waited for. */
const GIVE_UP_MS = 15_000;

/** What to ask E2B for. */
export interface CreateRequest {
  readonly template: string;
  readonly options: SandboxOpts;
  /** In the metadata of `options`, too. */
  readonly creation: string;
}

/**
 * Asks for a sandbox. A request that is given up goes on, so that what it makes can be ended; so is what may have been made
 * by one whose answer was lost.
 */
export async function requestSandbox(account: Account, wanted: CreateRequest, call: Call): Promise<SdkSandbox> {
  const { template, options, creation } = wanted;
  let asking: Promise<SdkSandbox> | undefined;
  const ask = (): Promise<SdkSandbox> => {
    asking = account.client.Sandbox.create(template, options);
    return abortable(asking, call.signal);
  };
  // A refusal has made nothing; after silence there may be a sandbox.
  const beforeRetry = async (failure: unknown): Promise<void> => {
    if (!isRefusal(failure)) await sweep(account, creation, toCleanupCall(call));
  };
  try {
    return await withRetries(call, ask, { beforeRetry });
  } catch (error) {
    if (call.signal.aborted || !isRefusal(error)) await endWhatWasMade(account, { asking, creation }, call);
    throw error;
  }
}

function isRefusal(error: unknown): boolean {
  const refused = ["AuthenticationError", "RateLimitError", "ServiceBusyError", "InvalidArgumentError"];
  const status = readStatus(error);
  return (error instanceof Error && refused.includes(error.name)) || (status >= 400 && status < 500);
}

/** Where E2B can't be reached for that, the sandbox ends at the end of its time, or when a later sweep finds it. */
async function endWhatWasMade(
  account: Account,
  { asking, creation }: { readonly asking: Promise<SdkSandbox> | undefined; readonly creation: string },
  call: Call,
): Promise<void> {
  const cleanup = toCleanupCall(call, GIVE_UP_MS);
  try {
    const made = await abortable(asking ?? Promise.resolve(undefined), cleanup.signal).catch(() => undefined);
    if (made) await abortable(made.kill({ signal: cleanup.signal }), cleanup.signal);
    else await sweep(account, creation, toCleanupCall(call));
  } catch (failure) {
    const message = toSandboxError(failure, account.secrets).message;
    call.logger.warn(`A sandbox may have been left running at E2B: ${message}`);
  }
}

async function sweep(account: Account, creation: string, call: Call): Promise<void> {
  for await (const { sandboxId } of listSandboxes(account.client.Sandbox, toCreationMetadata(creation), call))
    await abortable(account.client.Sandbox.kill(sandboxId, { signal: call.signal }), call.signal);
}
