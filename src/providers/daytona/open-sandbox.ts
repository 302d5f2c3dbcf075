import type { Sandbox as SdkSandbox } from "@daytona/sdk";
import { type Call, toCleanupCall } from "../../core/call.ts";
import type { SandboxSpec } from "../../core/provider.ts";
import type { Sandbox } from "../../core/sandbox.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import type { Account } from "./account.ts";
import { checkDaytonaSpec } from "./create-params.ts";
import { createDaytonaSandbox } from "./daytona-sandbox.ts";
import { readLabels, type SandboxFacts, toFacts } from "./labels.ts";
import { newGoneError } from "./machine.ts";
import { pauseSandbox, setRunning } from "./pause.ts";
import { withRetries } from "./retry.ts";
import { attach } from "./set-up.ts";
import { isNotFound } from "./to-sandbox-error.ts";

const START_TIMEOUT_SECONDS = 2 * 60;
/** One that Daytona has moved to its cheaper disks takes minutes. */
const RESUME_TIMEOUT_SECONDS = 15 * 60;
const PAUSE_AGAIN_TIMEOUT_MS = 60_000;
const COMING = new Set(["creating", "starting", "restoring", "resuming", "unknown"]);

interface Found {
  readonly sandbox: SdkSandbox;
  readonly facts: SandboxFacts;
}

/** The sandbox with that id, which is started again where Daytona has stopped it before its time. */
export async function connectSandbox(account: Account, id: string, call: Call): Promise<Sandbox> {
  const found = await findSandbox(account, id, call);
  if (!found || found.facts.isPaused || found.facts.expiresAt.getTime() <= Date.now()) throw newGoneError();
  const { sandbox, facts } = found;
  const state = sandbox.state ?? "unknown";
  if (COMING.has(state)) await abortable(sandbox.waitUntilStarted(START_TIMEOUT_SECONDS), call.signal);
  else if (state === "stopped") await abortable(sandbox.start(START_TIMEOUT_SECONDS), call.signal);
  else if (state !== "started" && state !== "snapshotting") throw newGoneError();
  const layout = await attach(sandbox, state === "stopped", call);
  return createDaytonaSandbox({ account, sandbox, facts, layout });
}

/** Which paused sandbox to go on with. */
interface ResumeRequest {
  readonly id: string;
  /** The one that it was created with. */
  readonly spec: SandboxSpec;
  readonly call: Call;
}

/** Starts a paused sandbox; its time begins anew. It stays paused when that fails. */
export async function resumeSandbox(account: Account, { id, spec, call }: ResumeRequest): Promise<Sandbox> {
  checkDaytonaSpec(spec);
  const found = await findSandbox(account, id, call);
  if (!found?.facts.isPaused)
    throw new SandboxError("not-found", "Daytona no longer has the paused sandbox: it has expired or was deleted.");
  const { sandbox, facts: before } = found;
  const starting = sandbox.start(RESUME_TIMEOUT_SECONDS);
  try {
    await abortable(starting, call.signal);
    const facts = toFacts(spec, Date.now());
    const [layout] = await Promise.all([attach(sandbox, true, call), setRunning(sandbox, facts, call)]);
    return createDaytonaSandbox({ account, sandbox, facts, layout });
  } catch (error) {
    await pauseSandbox({ sandbox, facts: before }, toCleanupCall(call, PAUSE_AGAIN_TIMEOUT_MS)).catch(() => {
      call.logger.warn(`A sandbox may have been left running at Daytona: ${sandbox.id}`);
    });
    throw error;
  }
}

/** Undefined when there is none, or it is none of ours. */
export async function findSandbox({ client }: Account, id: string, call: Call): Promise<Found | undefined> {
  // Daytona finds sandboxes by their names, too.
  if (!/^[\w-]{1,128}$/.test(id)) return undefined;
  try {
    const sandbox = await withRetries(call, () => client.get(id));
    const facts = sandbox.id === id ? readLabels(sandbox.labels) : undefined;
    return facts && { sandbox, facts };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
