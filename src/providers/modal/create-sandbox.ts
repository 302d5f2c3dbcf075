import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { App, Image, Sandbox as SdkSandbox, SandboxCreateParams } from "modal";
import { type Call, toCleanupCall } from "../../core/call.ts";
import type { Progress, SandboxSpec } from "../../core/provider.ts";
import type { Sandbox } from "../../core/sandbox.ts";
import { toMessage } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import type { Account } from "./account.ts";
import { checkModalSpec, toCreateParams } from "./create-params.ts";
import { listSandboxes } from "./list-sandboxes.ts";
import type { ModalOptions } from "./modal-options.ts";
import { createModalSandbox, terminate } from "./modal-sandbox.ts";
import { buildImage, findApp, findSecrets, forgetPrepared } from "./prepare.ts";
import { runHelper } from "./run-helper.ts";
import { type Setup, readSetup, toAskSetupCommand } from "./setup-script.ts";
import { type SandboxFacts, toCreationTags, toFacts } from "./tags.ts";
import { isNotFound, readStatus } from "./to-sandbox-error.ts";

/** How long a request for a sandbox that nobody wants any more is waited for. */
const GIVE_UP_MS = 15_000;
const SWEEP_PAUSE_MS = 500;

/** Creates a sandbox and sets it up; leaves nothing behind when it can't. */
export async function createSandbox(
  account: Account,
  options: ModalOptions,
  { spec, call, progress }: { readonly spec: SandboxSpec; readonly call: Call; readonly progress: Progress },
): Promise<Sandbox> {
  checkModalSpec(spec, options);
  const { app, image, secrets } = await prepare(account, options, { spec, call, progress });
  const creation = randomUUID();
  const facts = toFacts(spec, Date.now(), { creation, canPause: options.memorySnapshot });
  const params = toCreateParams(spec, { options, facts, secrets });
  if (spec.gpu !== undefined) progress(`Waiting for ${spec.gpu} at Modal`);
  const sandbox = await request(account, { app, image, params, creation }, call);
  return open(account, sandbox, { facts, call, setUp: () => awaitSetup(account, sandbox, { image, facts, call }) });
}

/** An image that one sandbox was set up from is good for all: only the first is waited for. */
async function awaitSetup(
  { usable }: Account,
  sandbox: SdkSandbox,
  { image, facts, call }: { readonly image: Image; readonly facts: SandboxFacts; readonly call: Call },
): Promise<Setup> {
  const known = usable.get(image.imageId);
  if (known) return known;
  const setup = readSetup(await runHelper(sandbox, toAskSetupCommand(facts.creation), call.signal));
  usable.set(image.imageId, setup);
  return setup;
}

interface Wanted {
  readonly spec: SandboxSpec;
  readonly call: Call;
  readonly progress: Progress;
}

async function prepare(account: Account, options: ModalOptions, { spec, call, progress }: Wanted) {
  const app = await findApp(account, options, call);
  const [image, secrets] = await Promise.all([
    buildImage(account, { app, image: spec.image, options }, call, progress),
    findSecrets(account, options, call),
  ]);
  return { app, image, secrets };
}

/** Makes a sandbox that has just started ready for commands; whatever fails, it is ended then. */
export async function open(account: Account, sandbox: SdkSandbox, { facts, call, setUp }: Opening): Promise<Sandbox> {
  try {
    call.signal.throwIfAborted();
    const { hasPerl } = await setUp();
    return createModalSandbox(account, sandbox, facts, hasPerl);
  } catch (error) {
    await terminate(account, sandbox, toCleanupCall(call)).catch((failure: unknown) => {
      call.logger.warn(`A sandbox could not be ended: ${sandbox.sandboxId}: ${toMessage(failure)}`);
    });
    sandbox.detach();
    throw error;
  }
}

interface Opening {
  readonly facts: SandboxFacts;
  readonly call: Call;
  readonly setUp: () => Promise<Setup>;
}

interface CreateRequest {
  readonly app: App;
  readonly image: Image;
  readonly params: SandboxCreateParams;
  readonly creation: string;
}

/** The SDK takes no signal here, and waits up to 21 minutes for a GPU: whoever gives up has to look for what was made. */
async function request(account: Account, wanted: CreateRequest, call: Call): Promise<SdkSandbox> {
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
    if (mayHaveCreated(error)) await sweep(account, wanted, toCleanupCall(call));
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
    call.logger.warn(`A sandbox could not be ended: ${toMessage(failure)}`);
  });
  let isOpen = true;
  // A request that waits for a machine ends as soon as its sandbox has been ended.
  while (isOpen && !cleanup.signal.aborted) {
    await sweep(account, wanted, cleanup).catch(() => {});
    isOpen = await Promise.race([settled.then(() => false), delay(SWEEP_PAUSE_MS, true)]);
  }
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
