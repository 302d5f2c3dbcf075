import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Spawner } from "../shared/spawner.ts";
import { removeTree } from "../shared/trees.ts";
import { toAccountRoutes } from "./account-api.ts";
import { Account, type AccountLimits, NO_LIMITS } from "./account.ts";
import { Books } from "./books.ts";
import { Cloud } from "./cloud.ts";
import { Events } from "./events.ts";
import { Faults } from "./faults.ts";
import { ImageBuilder } from "./image-builder.ts";
import { Interceptor } from "./interceptor.ts";
import { Previews } from "./previews.ts";
import { toPreviewRoutes, toSandboxRoutes } from "./sandbox-api.ts";
import { DaytonaServer } from "./server.ts";
import { toSnapshotRoutes } from "./snapshot-api.ts";
import { Snapshots } from "./snapshots.ts";

/** A key that every emulator knows unless it is told others. */
export const EMULATOR_KEY = "dtn_emulator";

export interface DaytonaEmulatorOptions {
  /** On the loopback; any free one when absent. */
  readonly port?: number;
  /** Those who may sign in; {@link EMULATOR_KEY} when absent. */
  readonly keys?: readonly string[];
  /** Where to make the folder for all files; the system's temporary folder when absent. */
  readonly stateFolder?: string;
  /** How long a minute of the intervals lasts, so that tests need not wait; a minute when absent. */
  readonly minuteMs?: number;
  /** What the account may have; without limits where absent. */
  readonly limits?: Partial<AccountLimits>;
  /** How many GPUs of a type there are; a type that is not named is not limited. {"H100": 0} has none. */
  readonly gpus?: Readonly<Record<string, number>>;
  /** How long `process/execute` waits for a command before 408; six minutes when absent. */
  readonly executeCapMs?: number;
  /**
   * How a session's shell gets a command: "inline", as the text itself, so that a heredoc at its end swallows what follows and
   * the session hangs, as users report (daytonaio/daytona#4230); or "file", by way of a file, as newer daemons do. "inline"
   * when absent.
   */
  readonly sessionCommands?: "inline" | "file";
}

export interface DaytonaEmulator {
  /** "http://127.0.0.1:port/api", for DAYTONA_API_URL. */
  readonly url: string;
  /** What happened. */
  readonly books: Books;
  /** What is to go wrong with calls. */
  readonly faults: Faults;
  /** From now on there are so many GPUs of a type. */
  setGpus(type: string, count: number): void;
  /** Destroys a sandbox as its time to live would. */
  expire(sandboxId: string): Promise<void>;
  /** Stops a sandbox as its auto-stop interval would; one with a GPU, or another ephemeral one, is destroyed by it. */
  autoStop(sandboxId: string): Promise<void>;
  /** Cuts all connections and refuses new ones, until {@link acceptConnections}; sandboxes run on. */
  refuseConnections(): void;
  acceptConnections(): Promise<void>;
  /** Ends every process that it started and removes what it kept on the disk. */
  close(): Promise<void>;
}

const MINUTE_MS = 60_000;

/**
 * Starts a server that speaks Daytona's API (version 1, as the SDK 0.216 does) over plain HTTP and WebSockets on the
 * loopback, with real processes and files behind it. What is not said by the SDK is as in the service's last public source:
 * https://github.com/daytonaio/daytona, v0.190.0, `apps/api` and `apps/daemon`.
 *
 * What is not as on Daytona: memory, processors and disks are not limited, `/usr` is the host's and read-only, whatever the
 * image; an allow list for the network is written down and means no network, and changed network settings wait for the next
 * start; addresses of ports are ports of the loopback; of Dockerfiles only FROM, ENV, WORKDIR and RUN are built; a socket that
 * stays open is no activity, only its opening and what is typed is. Forks, volumes' contents, git, language servers, SSH and
 * the desktop are not there.
 */
export async function startDaytonaEmulator(options: DaytonaEmulatorOptions = {}): Promise<DaytonaEmulator> {
  const folder = await mkdtemp(path.join(options.stateFolder ?? tmpdir(), "daytona-emulator-"));
  const spawner = await Spawner.start();
  const keys = new Set(options.keys ?? [EMULATOR_KEY]);
  const account = new Account({ ...NO_LIMITS, ...options.limits }, new Map(Object.entries(options.gpus ?? {})));
  const events = new Events(keys);
  for (const name of ["images", "snapshots", "sandboxes"]) await mkdir(path.join(folder, name));
  const cloud = new Cloud({
    folder: path.join(folder, "sandboxes"),
    spawner,
    account,
    builder: new ImageBuilder(path.join(folder, "images"), spawner),
    snapshots: new Snapshots(path.join(folder, "snapshots"), spawner),
    minuteMs: options.minuteMs ?? MINUTE_MS,
    isInline: options.sessionCommands !== "file",
    onState: (sandbox, before) => events.tell(sandbox, before, `${url()}/toolbox`),
  });
  const books = new Books(cloud);
  const faults = new Faults();
  const previews = new Previews((token) => keys.has(token));
  const url = (): string => `http://127.0.0.1:${server.port}`;
  const parts = { cloud, faults, previews, url };
  const server = new DaytonaServer(options.port ?? 0, {
    cloud,
    events,
    interceptor: new Interceptor(faults, (name) => books.count(name)),
    routes: {
      ...toAccountRoutes(cloud, url),
      ...toSandboxRoutes(parts),
      ...toPreviewRoutes(parts),
      ...toSnapshotRoutes(parts),
    },
    isKey: (token) => keys.has(token),
    executeCapMs: options.executeCapMs ?? 6 * MINUTE_MS,
  });
  await server.open();
  return {
    url: `${url()}/api`,
    books,
    faults,
    setGpus: (type, count) => void account.gpus.set(type, count),
    expire: (sandboxId) => cloud.get(sandboxId).destroy(),
    async autoStop(sandboxId) {
      const sandbox = cloud.get(sandboxId);
      await sandbox.settled;
      sandbox.stop();
      await sandbox.settled;
    },
    refuseConnections: () => server.shut(),
    acceptConnections: () => server.open(),
    async close() {
      await cloud.close();
      await previews.close();
      server.shut();
      await removeTree(spawner, folder);
      await spawner.close();
    },
  };
}
