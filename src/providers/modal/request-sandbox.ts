import { setTimeout as delay } from "node:timers/promises";
import type { App, Image, Sandbox as SdkSandbox, SandboxCreateParams } from "modal";
import { type Call, toCleanupCall } from "../../core/call.ts";
import { abortable } from "../abortable.ts";
import type { Account } from "./account.ts";
import { listSandboxes } from "./list-sandboxes.ts";
import { terminate } from "./modal-sandbox.ts";
import { forgetPrepared } from "./prepare.ts";
import { toCreationTags } from "./tags.ts";
import { isNotFound, readStatus, toSandboxError } from "./to-sandbox-error.ts";

/** How long a request for a sandbox that nobody wants any more is waited for. */
const GIVE_UP_MS = 15_000;
const SWEEP_PAUSE_MS = 500;

/** What to ask Modal for. */
export interface CreateRequest {
  readonly app: App;
  readonly image: Image;
  readonly params: SandboxCreateParams;
  /** In the tags of `params`, too. */
  readonly creation: string;
}

/** The SDK takes no signal here, and waits up to 21 minutes for a GPU: whoever gives up has to look for what was made. */
export async function requestSandbox(account: Account, wanted: CreateRequest, call: Call): Promise<SdkSandbox> {
  const creating = account.client.sandboxes.create(wanted.app, wanted.image, wanted.params);
  try {
    return await abortable(creating, call.signal);
  } catch (error) {
    if (call.signal.aborted) {
      await giveUp(account, wanted, creating, call);
      throw call.signal.reason;
    }
    if (isNotFound(error)) forgetPrepared(account);
    if (isOwnRepeat(error)) {
      const [found] = await findCreated(account, wanted, toCleanupCall(call));
      if (found) return found;
    }
    if (mayHaveCreated(error)) await sweepOrWarn(account, wanted, call);
    throw error;
  }
}

/** Our names are unique: the one that has it is the sandbox of a request that Modal answered and the SDK repeated. */
function isOwnRepeat(error: unknown): boolean {
  return error instanceof Error && error.name === "AlreadyExistsError";
}

/** Whether the answer was lost rather than negative, by gRPC's status; see `to-sandbox-error.ts`. */
function mayHaveCreated(error: unknown): boolean {
  return [1, 2, 4, 13, 14, 15].includes(readStatus(error)) || (error instanceof Error && error.name !== "ClientError");
}

/** Ends what a request has made or still makes. */
async function giveUp(
  account: Account,
  wanted: CreateRequest,
  creating: Promise<SdkSandbox>,
  call: Call,
): Promise<void> {
  const cleanup = toCleanupCall(call, GIVE_UP_MS);
  const ended = creating.then(
    (sandbox) => terminate(account, sandbox, toCleanupCall(call)),
    () => {},
  );
  const settled = ended.catch((failure: unknown) => {
    call.logger.warn(`A sandbox could not be ended: ${toSandboxError(failure, account).message}`);
  });
  let isOpen = true;
  // A request that waits for a machine ends as soon as its sandbox has been ended.
  while (isOpen && !cleanup.signal.aborted) {
    await sweep(account, wanted, cleanup).catch(() => {});
    isOpen = await Promise.race([settled.then(() => false), delay(SWEEP_PAUSE_MS, true)]);
  }
}

/** Where Modal can't be reached for that either, the sandbox ends at the end of its time, or when a later sweep finds it. */
async function sweepOrWarn(account: Account, wanted: CreateRequest, call: Call): Promise<void> {
  await sweep(account, wanted, toCleanupCall(call)).catch((failure: unknown) => {
    const message = toSandboxError(failure, account).message;
    call.logger.warn(`A sandbox may have been left running at Modal, ${String(wanted.params.name)}: ${message}`);
  });
}

/** Ends whatever a request has made. */
async function sweep(account: Account, wanted: CreateRequest, call: Call): Promise<void> {
  const found = await findCreated(account, wanted, call);
  await Promise.all(found.map((sandbox) => terminate(account, sandbox, call)));
}

async function findCreated(account: Account, { app, creation }: CreateRequest, call: Call): Promise<SdkSandbox[]> {
  const found: SdkSandbox[] = [];
  for await (const { id } of listSandboxes(account, app.appId, toCreationTags(creation), call))
    found.push(await account.client.sandboxes.fromId(id));
  return found;
}
