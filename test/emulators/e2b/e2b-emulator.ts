import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { FaultQueue } from "../shared/fault-queue.ts";
import { PortForwards } from "../shared/port-forwards.ts";
import { Spawner } from "../shared/spawner.ts";
import { removeTree } from "../shared/trees.ts";
import { Account } from "./account.ts";
import { Books } from "./books.ts";
import type { Fault, Faults } from "./faults.ts";
import { Front } from "./front.ts";
import { type GivenTemplate, Templates } from "./templates.ts";

export interface E2bEmulatorOptions {
  /** On the loopback; any free one when absent. */
  readonly port?: number;
  /** Those who may use it; {@link EMULATOR_KEY} when absent. */
  readonly apiKeys?: readonly string[];
  /** Where to make the folder for all files; the system's temporary folder when absent. */
  readonly stateFolder?: string;
  /** Besides "base" and "code-interpreter-v1". */
  readonly templates?: readonly GivenTemplate[];
  /** How many sandboxes may run at once; not limited when absent. */
  readonly maxSandboxes?: number;
  /** Not limited when absent; E2B's own are 1 and 5. */
  readonly maxCreatesPerSecond?: number;
  /** How long a sandbox may live; 24 when absent. */
  readonly maxHours?: number;
  /** Whether connecting to one that runs shortens its life, as E2B's servers did before they said that it only extends it. */
  readonly connectShortens?: boolean;
}

export interface E2bEmulator {
  /** "http://127.0.0.1:port", for E2B_API_URL and E2B_SANDBOX_URL. */
  readonly url: string;
  /** What happened. */
  readonly books: Books;
  /** What is to go wrong with calls. */
  readonly faults: Faults;
  /** Lets the end of a sandbox's time come: it pauses or ends as it was to. */
  expire(sandboxId: string): Promise<void>;
  /** Cuts all connections and refuses new ones, until {@link acceptConnections}; sandboxes run on. */
  refuseConnections(): void;
  acceptConnections(): Promise<void>;
  /** Ends every process that it started and removes what it kept on the disk. */
  close(): Promise<void>;
}

/** The key that an emulator accepts unless it is told others. */
export const EMULATOR_KEY = "e2b_0123456789abcdef0123456789abcdef01234567";

/**
 * Starts a server that speaks E2B's wire protocol with the real SDKs, over plain HTTP/1.1 on the loopback, with real
 * processes and files behind it: the control plane, and for every sandbox its daemon, its interpreter and its ports, told
 * apart by the headers `E2b-Sandbox-Id` and `E2b-Sandbox-Port` or by the name of the host.
 *
 * What is not as on E2B: memory and processors are not limited, `/usr` is the host's and read-only, lists of what the
 * network may reach are written down and mean no network, an update of the network takes effect at the next boot,
 * snapshots and forks keep files and no processes. Building templates, volumes, secrets and logs are not there.
 */
export async function startE2bEmulator(options: E2bEmulatorOptions = {}): Promise<E2bEmulator> {
  const folder = await mkdtemp(path.join(options.stateFolder ?? tmpdir(), "e2b-emulator-"));
  const spawner = await Spawner.start();
  const faults: Faults = new FaultQueue<Fault>();
  const templates = new Templates(path.join(folder, "snapshots"), spawner, options.templates ?? []);
  const account = new Account(path.join(folder, "sandboxes"), {
    templates,
    spawner,
    faults,
    limits: {
      maxSandboxes: options.maxSandboxes ?? Number.POSITIVE_INFINITY,
      maxCreatesPerSecond: options.maxCreatesPerSecond ?? Number.POSITIVE_INFINITY,
      maxHours: options.maxHours ?? 24,
      connectShortens: options.connectShortens ?? false,
    },
  });
  const books = new Books(account);
  const forwards = new PortForwards();
  const apiKeys = options.apiKeys ?? [EMULATOR_KEY];
  const front = new Front(options.port ?? 0, { account, books, faults, forwards, apiKeys });
  await front.open();
  return {
    url: `http://127.0.0.1:${front.port}`,
    books,
    faults,
    expire: (sandboxId) => account.get(sandboxId).expire(),
    refuseConnections: () => front.shut(),
    acceptConnections: () => front.open(),
    async close() {
      await account.close();
      await forwards.close();
      front.shut();
      await removeTree(spawner, folder);
      await spawner.close();
    },
  };
}
