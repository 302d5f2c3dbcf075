import { randomUUID } from "node:crypto";
import type { Sandbox as SdkSandbox, SandboxInfo } from "@e2b/code-interpreter";
import { type Call, toCleanupCall } from "../../core/call.ts";
import type { SandboxSpec } from "../../core/provider.ts";
import type { Sandbox } from "../../core/sandbox.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { Account } from "./account.ts";
import { hasCodeService } from "./code-service.ts";
import { DEFAULT_TEMPLATE, checkE2bSpec, toCreateOptions } from "./create-params.ts";
import type { E2bOptions } from "./e2b-options.ts";
import { createE2bSandbox, terminate } from "./e2b-sandbox.ts";
import type { Markers } from "./marker.ts";
import { toFacts } from "./metadata.ts";
import { requestSandbox } from "./request-sandbox.ts";
import { withRetries } from "./retry.ts";
import { runHelper } from "./run-helper.ts";
import { checkSetup, toSetupCommand } from "./setup-script.ts";
import { isGone, readInfo } from "./state.ts";
import { newGoneError, toSandboxError } from "./to-sandbox-error.ts";

/** What is the same for all sandboxes of a provider. */
export interface E2bContext {
  readonly options: E2bOptions;
  readonly markers: Markers;
}

/** Creates a sandbox and sets it up; leaves nothing behind when it can't. */
export async function createSandbox(
  account: Account,
  { options, markers }: E2bContext,
  { spec, call }: { readonly spec: SandboxSpec; readonly call: Call },
): Promise<Sandbox> {
  checkE2bSpec(spec);
  const facts = toFacts(spec, randomUUID());
  const request = {
    template: spec.image ?? DEFAULT_TEMPLATE,
    options: toCreateOptions(spec, facts, options),
    creation: facts.creation,
  };
  const sandbox = await requestSandbox(account, request, call);
  try {
    const [found] = await Promise.all([describeSandbox(sandbox, call), setUp(sandbox, spec, call)]);
    await markers.write(sandbox, call.signal);
    call.signal.throwIfAborted();
    return createE2bSandbox(account, { sandbox, facts, markers, ...found });
  } catch (error) {
    await endOrWarn(account, sandbox, call);
    throw error;
  }
}

/** What is asked about a sandbox that runs before it is used. */
export interface Description {
  readonly info: SandboxInfo;
  /** Whether the service that keeps the state of code is there: it is the template's. */
  readonly isServed: boolean;
}

/** @throws {SandboxError} `not-found` when it is gone */
export async function describeSandbox(sandbox: SdkSandbox, call: Call): Promise<Description> {
  const [info, isServed] = await Promise.all([
    withRetries(call, () => readInfo((options) => sandbox.getInfo(options), call.signal)),
    hasCodeService(sandbox, call.signal),
  ]);
  if (!info) throw newGoneError();
  return { info, isServed };
}

/** A sandbox that has just started may not be reached at once: once more is enough then, and does no harm. */
async function setUp(sandbox: SdkSandbox, spec: SandboxSpec, call: Call): Promise<void> {
  const run = (): Promise<string> => runHelper(sandbox, toSetupCommand(spec), call.signal);
  try {
    checkSetup(await run());
  } catch (error) {
    if (error instanceof SandboxError || call.signal.aborted) throw error;
    if (await isGone(sandbox, call.signal)) throw newGoneError();
    checkSetup(await run());
  }
}

/** Ends a sandbox that nobody will use; where E2B can't be reached, it ends at the end of its time or by a later sweep. */
export async function endOrWarn(account: Account, sandbox: SdkSandbox, call: Call): Promise<void> {
  await terminate(account, sandbox, toCleanupCall(call)).catch((failure: unknown) => {
    const message = toSandboxError(failure, account.secrets).message;
    call.logger.warn(`A sandbox could not be ended: ${sandbox.sandboxId}: ${message}`);
  });
}
