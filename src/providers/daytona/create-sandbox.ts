import type { Daytona, Sandbox as SdkSandbox } from "@daytona/sdk";
import { setTimeout as delay } from "node:timers/promises";
import { type Call, toCleanupCall } from "../../core/call.ts";
import type { Progress, SandboxSpec } from "../../core/provider.ts";
import type { Sandbox } from "../../core/sandbox.ts";
import type { Account } from "./account.ts";
import { checkDaytonaSpec, LONGEST_START_MINUTES, toCreateParams, toImageChoice, toMinutes } from "./create-params.ts";
import type { DaytonaOptions } from "./daytona-options.ts";
import { createDaytonaSandbox, deleteSandbox } from "./daytona-sandbox.ts";
import { toFacts, toLabels } from "./labels.ts";
import { setTtl } from "./pause.ts";
import { withRetries } from "./retry.ts";
import { setUp } from "./set-up.ts";
import { isNotFound, readStatus, toSandboxError } from "./to-sandbox-error.ts";

/** A start that takes less is not worth telling, nor to count the sandbox's time anew. */
const QUIET_MS = 700;
const SHORT_WAIT_MS = 5000;
/** How long what nobody wants any more is looked for. */
const GIVE_UP_MS = 15_000;
const SWEEP_PAUSE_MS = 500;

interface Wanted {
  readonly spec: SandboxSpec;
  readonly call: Call;
  readonly progress: Progress;
}

type CreateParams = ReturnType<typeof toCreateParams>;

/** Creates a sandbox and sets it up; leaves nothing behind when it can't. */
export async function createSandbox(account: Account, options: DaytonaOptions, wanted: Wanted): Promise<Sandbox> {
  const { spec, call } = wanted;
  checkDaytonaSpec(spec);
  const askedAt = Date.now();
  const facts = toFacts(spec, askedAt);
  const sandbox = await requestSandbox(account, toCreateParams(spec, facts, options), wanted);
  try {
    call.signal.throwIfAborted();
    const isLate = Date.now() - askedAt > SHORT_WAIT_MS;
    // Its time begins when it runs: an image may have been built for minutes before.
    const started = isLate ? toFacts(spec, Date.now()) : facts;
    const [layout] = await Promise.all([
      setUp(sandbox, spec, call),
      setTtl(sandbox, toMinutes(spec.lifetimeMs), call),
      isLate ? withRetries(call, () => sandbox.setLabels({ ...sandbox.labels, ...toLabels(started) })) : undefined,
    ]);
    return createDaytonaSandbox({ account, sandbox, facts: started, layout });
  } catch (error) {
    await deleteSandbox(account, sandbox, toCleanupCall(call)).catch((failure: unknown) => {
      call.logger.warn(`A sandbox could not be ended: ${sandbox.id}: ${toSandboxError(failure, account).message}`);
    });
    throw error;
  }
}

/** The SDK takes no signal here, and an answer can be lost: whoever gives up has to look for what was made. */
async function requestSandbox(account: Account, params: CreateParams, wanted: Wanted): Promise<SdkSandbox> {
  const { call } = wanted;
  const name = params.name ?? "";
  let creating: Promise<SdkSandbox> | undefined;
  const notice = announce(wanted);
  try {
    return await withRetries(call, () => {
      creating = create(account.client, params);
      return creating;
    });
  } catch (error) {
    if (!call.signal.aborted && readStatus(error) === 409) {
      // An earlier attempt was heard after all: names of ours are given once.
      const found = await adopt(account.client, name, call);
      if (found) return found;
    }
    await giveUp(account, { name, creating, call });
    call.signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(notice);
  }
}

/** A copy each time: the SDK writes into what it is given. */
function create(client: Daytona, params: CreateParams): Promise<SdkSandbox> {
  return client.create({ ...params, labels: { ...params.labels } }, { timeout: LONGEST_START_MINUTES * 60 });
}

function announce({ spec, progress }: Wanted): NodeJS.Timeout {
  const choice = toImageChoice(spec);
  if (spec.gpu !== undefined) progress(`Waiting for ${spec.gpu} at Daytona`);
  const what = choice.kind === "image" ? `Building the image ${choice.reference}` : "Starting a sandbox";
  return setTimeout(() => progress(`${what} at Daytona`), QUIET_MS);
}

async function adopt(client: Daytona, name: string, call: Call): Promise<SdkSandbox | undefined> {
  try {
    const sandbox = await withRetries(call, () => client.get(name));
    await sandbox.waitUntilStarted(LONGEST_START_MINUTES * 60);
    return sandbox;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

interface GivenUp {
  readonly name: string;
  readonly creating: Promise<SdkSandbox> | undefined;
  readonly call: Call;
}

/** Ends what a request has made, and what it still makes within some seconds. */
async function giveUp(account: Account, { name, creating, call }: GivenUp): Promise<void> {
  const cleanup = toCleanupCall(call, GIVE_UP_MS);
  let isOpen = true;
  const settled = (async () => {
    await creating?.catch(() => {});
    return false;
  })();
  try {
    do {
      isOpen = await Promise.race([settled, delay(SWEEP_PAUSE_MS, true)]);
      await deleteByName(account, name, cleanup);
    } while (isOpen && !cleanup.signal.aborted);
  } catch (failure) {
    const { message } = toSandboxError(failure, account);
    call.logger.warn(`A sandbox may have been left running at Daytona, ${name}: ${message}`);
  }
}

async function deleteByName(account: Account, name: string, call: Call): Promise<void> {
  try {
    const sandbox = await withRetries(call, () => account.client.get(name));
    await deleteSandbox(account, sandbox, call);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
