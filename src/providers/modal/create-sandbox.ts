import { randomUUID } from "node:crypto";
import type { Image, Sandbox as SdkSandbox } from "modal";
import { type Call, toCleanupCall } from "../../core/call.ts";
import type { Progress, SandboxSpec } from "../../core/provider.ts";
import type { Sandbox } from "../../core/sandbox.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import type { Account } from "./account.ts";
import { checkModalSpec, toCreateParams } from "./create-params.ts";
import type { ModalOptions } from "./modal-options.ts";
import { createModalSandbox, isGone, terminate } from "./modal-sandbox.ts";
import { buildImage, findApp, findSecrets } from "./prepare.ts";
import { requestSandbox } from "./request-sandbox.ts";
import { runHelper } from "./run-helper.ts";
import { type Setup, readSetup, toAskSetupCommand } from "./setup-script.ts";
import { type SandboxFacts, toFacts, toTags } from "./tags.ts";
import { toSandboxError } from "./to-sandbox-error.ts";

/** As long as a sandbox usually takes to start. */
const SHORT_WAIT_MS = 5000;

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
  const askedAt = Date.now();
  const sandbox = await requestSandbox(account, { app, image, params, creation }, call);
  const waitedMs = Date.now() - askedAt;
  const started = waitedMs < SHORT_WAIT_MS ? facts : { ...facts, expiresAt: after(facts.expiresAt, waitedMs) };
  const setUp = async (): Promise<Setup> => {
    if (started !== facts) await abortable(sandbox.setTags(toTags(started)), call.signal);
    return awaitSetup(account, sandbox, { image, facts, call });
  };
  return open(account, sandbox, { facts: started, call, setUp });
}

/** Its time begins when Modal has a machine for it, which takes minutes where GPUs are scarce. */
function after(date: Date, ms: number): Date {
  return new Date(date.getTime() + ms);
}

/** An image that one sandbox was set up from is good for all: only the first is waited for. */
async function awaitSetup(
  { usable }: Account,
  sandbox: SdkSandbox,
  { image, facts, call }: { readonly image: Image; readonly facts: SandboxFacts; readonly call: Call },
): Promise<Setup> {
  const known = usable.get(image.imageId);
  if (known) return known;
  const setup = readSetup(await ask(sandbox, facts, call));
  usable.set(image.imageId, setup);
  return setup;
}

async function ask(sandbox: SdkSandbox, { creation }: SandboxFacts, call: Call): Promise<string> {
  try {
    return await runHelper(sandbox, toAskSetupCommand(creation), call.signal);
  } catch (error) {
    if (call.signal.aborted || !(await isGone(sandbox, toCleanupCall(call)))) throw error;
    throw new SandboxError(
      "unavailable",
      "The sandbox ended before it was ready: the image's /bin/sh does not run, or Modal ended it. Choose another image, or try again.",
    );
  }
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
      call.logger.warn(
        `A sandbox could not be ended: ${sandbox.sandboxId}: ${toSandboxError(failure, account).message}`,
      );
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
