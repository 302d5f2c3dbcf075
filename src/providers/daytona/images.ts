import type { Daytona, Sandbox } from "@daytona/sdk";
import { randomBytes } from "node:crypto";
import type { Call } from "../../core/call.ts";
import type { ImageOffer } from "../../core/provider.ts";
import type { Images } from "../../core/sandbox.ts";
import { abortable } from "../abortable.ts";
import type { Account } from "./account.ts";
import { toSnapshotImage } from "./create-params.ts";
import type { Work } from "./machine.ts";
import { withRetries } from "./retry.ts";
import { isNotFound } from "./to-sandbox-error.ts";

/** The SDK's own 60 s are too little for large disks. */
const SAVE_TIMEOUT_SECONDS = 15 * 60;
const PAGE = 100;
/** Enough to choose from; more could not be looked through. */
const MOST_PAGES = 10;
const MIB_PER_GIB = 1024;
const CONFIG_TIMEOUT_MS = 5000;

/** The whole file system, as a snapshot that a spec can name. Daytona keeps it until it is deleted, whatever `ttlMs` says. */
export function createImages(sandbox: Sandbox, work: Work): Images {
  return {
    save: (_ttlMs, call) =>
      work(call, async () => {
        const name = `sandpiper-${randomBytes(8).toString("hex")}`;
        await abortable(sandbox.createSnapshot(name, SAVE_TIMEOUT_SECONDS), call.signal);
        return { id: toSnapshotImage(name) };
      }),
  };
}

/** Deletes a snapshot by its name; one that is gone is fine. */
export async function deleteSnapshot({ client }: Account, name: string, call: Call): Promise<void> {
  try {
    const snapshot = await withRetries(call, () => client.snapshot.get(name));
    await withRetries(call, () => client.snapshot.delete(snapshot));
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

type Snapshot = Awaited<ReturnType<Daytona["snapshot"]["get"]>>;

/** The account's snapshots that sandboxes can be made of: the default one first, then Daytona's own. */
export async function listSnapshots(account: Account, call: Call): Promise<ImageOffer[]> {
  const { client } = account;
  const asked = readDefaultName(account, call);
  const found: Snapshot[] = [];
  for (let page = 1; page <= MOST_PAGES; page++) {
    const { items, totalPages } = await withRetries(call, () => client.snapshot.list({ page, limit: PAGE }));
    found.push(...items);
    if (page >= totalPages) break;
  }
  const usable = found.filter(({ state }) => state === "active");
  const defaultName = await asked;
  const toRank = ({ name, general }: Snapshot): number => (name === defaultName ? 0 : general ? 1 : 2);
  return usable.sort((one, other) => toRank(one) - toRank(other)).map(toOffer);
}

/** What a sandbox starts from when nothing is named. The SDK has no call for it; undefined when it can't be told. */
async function readDefaultName({ apiUrl }: Account, { signal }: Call): Promise<string | undefined> {
  try {
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(CONFIG_TIMEOUT_MS)]);
    const answer: unknown = await (await fetch(`${apiUrl}/config`, { signal: timeout })).json();
    if (typeof answer !== "object" || answer === null || !("defaultSnapshot" in answer)) return undefined;
    return typeof answer.defaultSnapshot === "string" ? answer.defaultSnapshot : undefined;
  } catch {
    return undefined;
  }
}

function toOffer({ name, cpu, mem, disk, gpu, gpuType }: Snapshot): ImageOffer {
  const title = gpu > 0 ? `${name} (${gpu} × ${gpuType ?? "GPU"})` : name;
  return {
    id: toSnapshotImage(name),
    title,
    cpus: cpu,
    memoryMiB: mem * MIB_PER_GIB,
    diskMiB: disk * MIB_PER_GIB,
  };
}
