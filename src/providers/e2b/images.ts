import type { Sandbox as SdkSandbox, components } from "@e2b/code-interpreter";
import type { Call } from "../../core/call.ts";
import type { ImageOffer } from "../../core/provider.ts";
import type { Images } from "../../core/sandbox.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import type { Account } from "./account.ts";
import { DEFAULT_TEMPLATE } from "./create-params.ts";
import type { E2bClient } from "./load-sdk.ts";
import type { Work } from "./machine.ts";
import { withRetries } from "./retry.ts";
import { isNotFound } from "./to-sandbox-error.ts";

type Template = components["schemas"]["Template"];

/** Large memories take long to write. */
const SAVE_TIMEOUT_MS = 15 * 60 * 1000;

/**
 * E2B's snapshots (https://e2b.dev/docs/sandbox/snapshots): files and memory, kept until they are deleted. The sandbox
 * pauses for a moment meanwhile and goes on. A new sandbox from one is a fork.
 */
export function createImages(sandbox: SdkSandbox, work: Work): Images {
  return {
    save: (ttlMs, call) =>
      work(call, async () => {
        if (!(ttlMs > 0)) throw new SandboxError("invalid", "What is saved has to be kept for more than 0 s.");
        const { signal } = call;
        const saving = sandbox.createSnapshot({ signal, requestTimeoutMs: SAVE_TIMEOUT_MS });
        const { snapshotId } = await abortable(saving, signal);
        return { id: snapshotId };
      }),
  };
}

/** Deletes a snapshot; one that is gone is fine. */
export async function deleteSnapshot({ client }: Account, id: string, { signal }: Call): Promise<void> {
  try {
    await abortable(client.Sandbox.deleteSnapshot(id, { signal }), signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** The account's templates and snapshots, the default first. Of a snapshot's sizes E2B tells nothing. */
export async function listImages({ client }: Account, call: Call): Promise<readonly ImageOffer[]> {
  const [templates, snapshots] = await Promise.all([listTemplates(client, call), listSnapshots(client, call)]);
  const standard = templates.find(({ id }) => id === DEFAULT_TEMPLATE) ?? {
    id: DEFAULT_TEMPLATE,
    title: DEFAULT_TEMPLATE,
  };
  return [standard, ...templates.filter(({ id }) => id !== DEFAULT_TEMPLATE), ...snapshots];
}

/** The SDK has no method for it; this is `GET /v2/templates` of https://e2b.dev/docs/api-reference. */
async function listTemplates({ api }: E2bClient, call: Call): Promise<ImageOffer[]> {
  const offers: ImageOffer[] = [];
  let nextToken: string | undefined;
  do {
    const query = nextToken === undefined ? {} : { nextToken };
    const page = await withRetries(call, async () => {
      const { data, error, response } = await api.GET("/v2/templates", { params: { query }, signal: call.signal });
      if (!data) throw Object.assign(new Error(error?.message ?? response.statusText), { statusCode: response.status });
      return { data, next: response.headers.get("x-next-token") };
    });
    offers.push(...page.data.map(toOffer));
    nextToken = page.next || undefined;
  } while (nextToken !== undefined);
  return offers;
}

function toOffer({ templateID, names, aliases, cpuCount, memoryMB, diskSizeMB }: Template): ImageOffer {
  const id = names[0] ?? aliases[0] ?? templateID;
  return { id, title: id, cpus: cpuCount, memoryMiB: memoryMB, diskMiB: diskSizeMB };
}

async function listSnapshots({ Sandbox }: E2bClient, call: Call): Promise<ImageOffer[]> {
  const { signal } = call;
  const offers: ImageOffer[] = [];
  const pages = Sandbox.listSnapshots();
  while (pages.hasNext) {
    const page = await withRetries(call, () => abortable(pages.nextItems({ signal }), signal));
    offers.push(...page.map(({ snapshotId, names }) => ({ id: snapshotId, title: names[0] ?? snapshotId })));
  }
  return offers;
}
