import { randomUUID } from "node:crypto";
import type { Sandbox as SdkSandbox } from "modal";
import { type Call, toCleanupCall } from "../../core/call.ts";
import type { SandboxSpec } from "../../core/provider.ts";
import type { Sandbox } from "../../core/sandbox.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import type { Account } from "./account.ts";
import { checkModalSpec, toUniqueName } from "./create-params.ts";
import { open } from "./create-sandbox.ts";
import type { ModalOptions } from "./modal-options.ts";
import { terminate } from "./modal-sandbox.ts";
import { runHelper } from "./run-helper.ts";
import { type Setup, readSetup, toSetupCommand } from "./setup-script.ts";
import { toFacts, toTags } from "./tags.ts";
import { isNotFound } from "./to-sandbox-error.ts";

/** Which paused sandbox to go on with. */
export interface ResumeRequest {
  readonly id: string;
  /** The one that it was created with. */
  readonly spec: SandboxSpec;
  readonly call: Call;
}

/** Starts a sandbox from a memory snapshot; its time begins anew. */
export async function resumeSandbox(
  account: Account,
  options: ModalOptions,
  { id, spec, call }: ResumeRequest,
): Promise<Sandbox> {
  checkModalSpec(spec, options);
  const facts = toFacts(spec, Date.now(), { creation: randomUUID(), canPause: true });
  const sandbox = await restore(account, options, { id, name: toUniqueName(spec.name), call });
  const setUp = async (): Promise<Setup> => {
    // The tags that it was made with tell of a sandbox that is over.
    await abortable(sandbox.setTags(toTags(facts)), call.signal);
    return readSetup(await runHelper(sandbox, toSetupCommand(spec, facts.creation), call.signal));
  };
  return open(account, sandbox, { facts, call, setUp });
}

interface Restore {
  readonly id: string;
  readonly name: string;
  readonly call: Call;
}

async function restore(account: Account, options: ModalOptions, { id, name, call }: Restore): Promise<SdkSandbox> {
  const { client } = account;
  const restoring = client.sandboxSnapshots
    .fromId(id)
    .then((snapshot) => client.sandboxes.experimentalFromSnapshot(snapshot, { name }));
  try {
    return await abortable(restoring, call.signal);
  } catch (error) {
    // Its answer may still come, or may have been lost.
    void restoring.then((sandbox) => terminate(account, sandbox, toCleanupCall(call))).catch(() => {});
    await endByName(account, options, { id, name, call });
    if (!isNotFound(error)) throw error;
    throw new SandboxError("not-found", "Modal no longer has the paused sandbox: it has expired or was deleted.");
  }
}

async function endByName(account: Account, { app }: ModalOptions, { name, call }: Restore): Promise<void> {
  const cleanup = toCleanupCall(call);
  try {
    await terminate(account, await abortable(account.client.sandboxes.fromName(app, name), cleanup.signal), cleanup);
  } catch (error) {
    if (!isNotFound(error)) call.logger.warn(`A sandbox may have been left running at Modal: ${name}`);
  }
}
