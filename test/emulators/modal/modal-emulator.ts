import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { toAccountMethods } from "./account-service.ts";
import { Books } from "./books.ts";
import { Cloud } from "./cloud.ts";
import { Credentials, EMULATOR_TOKEN, type ModalToken } from "./credentials.ts";
import { loadDefinitions } from "./definitions.ts";
import { FaultQueue } from "../shared/fault-queue.ts";
import type { Fault, Faults } from "./faults.ts";
import { toImageMethods } from "./image-service.ts";
import { ImageStore } from "./images.ts";
import { toInterceptor } from "./interceptor.ts";
import { Listener } from "./listener.ts";
import { MemorySnapshots, toMemoryMethods } from "./memory-snapshots.ts";
import { toRouterMethods } from "./router-service.ts";
import { toSandboxMethods } from "./sandbox-service.ts";
import { Spawner } from "../shared/spawner.ts";
import { TIMED_OUT } from "./sandbox.ts";
import { removeTree } from "../shared/trees.ts";
import { Tunnels } from "./tunnels.ts";

export interface ModalEmulatorOptions {
  /** On the loopback; any free one when absent. */
  readonly port?: number;
  /** Those who may sign in; {@link EMULATOR_TOKEN} when absent. */
  readonly tokens?: readonly ModalToken[];
  /** Where to make the folder for all files; the system's temporary folder when absent. */
  readonly stateFolder?: string;
  /** How many GPUs of a type there are; a type that is not named is not limited. {"H100": 0} has none. */
  readonly gpus?: Readonly<Record<string, number>>;
  /** How long a sandbox waits for a GPU before RESOURCE_EXHAUSTED; when absent, until the SDK gives up (21 minutes). */
  readonly gpuWaitMs?: number;
  /** How many sandboxes may live at once; not limited when absent. */
  readonly maxSandboxes?: number;
  /** The account's named secrets: variables by name. */
  readonly secrets?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** How long the token for a sandbox's commands is good; an hour when absent. */
  readonly routerTokenSeconds?: number;
}

export interface ModalEmulator {
  /** "http://127.0.0.1:port", for MODAL_SERVER_URL. */
  readonly url: string;
  /** What happened. */
  readonly books: Books;
  /** What is to go wrong with calls. */
  readonly faults: Faults;
  /** From now on there are so many GPUs of a type; those who wait get what is free. */
  setGpus(type: string, count: number): void;
  /** Ends a sandbox as its timeout would. */
  expire(sandboxId: string): Promise<void>;
  /** Cuts all connections and refuses new ones, until {@link acceptConnections}; sandboxes run on. */
  refuseConnections(): void;
  acceptConnections(): Promise<void>;
  /** Ends every process that it started and removes what it kept on the disk. */
  close(): Promise<void>;
}

const ROUTER_TOKEN_SECONDS = 3600;

/**
 * Starts a server that speaks Modal's wire protocol with the real SDK, over plain HTTP/2 on the loopback, with real
 * processes and files behind it. The SDK has to find MODAL_SERVER_URL in its environment when a client is made.
 *
 * What is not as on Modal: memory and processors are not limited, `/usr` is the host's and read-only, the store of images
 * can be seen below `/__modal`, tunnels have no TLS, an allow list for the network is written down and means no network,
 * snapshots of the memory keep files alone. Volumes, sidecars and readiness probes are not there.
 */
export async function startModalEmulator(options: ModalEmulatorOptions = {}): Promise<ModalEmulator> {
  const folder = await mkdtemp(path.join(options.stateFolder ?? tmpdir(), "modal-emulator-"));
  const spawner = await Spawner.start();
  const images = new ImageStore(path.join(folder, "images"), spawner);
  await mkdir(images.folder);
  const gpus = new Map(Object.entries(options.gpus ?? {}));
  const maxSandboxes = options.maxSandboxes ?? Number.POSITIVE_INFINITY;
  const cloud = new Cloud(path.join(folder, "sandboxes"), { images, spawner }, { gpus, maxSandboxes });
  const books = new Books(cloud);
  const faults = new FaultQueue<Fault>();
  const tunnels = new Tunnels();
  const listener = await listen({ cloud, spawner, books, faults, tunnels }, options);
  return {
    url: `http://127.0.0.1:${listener.port}`,
    books,
    faults,
    setGpus(type, count) {
      gpus.set(type, count);
      cloud.schedule();
    },
    expire: (sandboxId) => cloud.get(sandboxId).end(TIMED_OUT),
    refuseConnections: () => listener.shut(),
    acceptConnections: () => listener.open(),
    async close() {
      await cloud.close();
      await tunnels.close();
      listener.shut();
      await removeTree(spawner, folder);
      await spawner.close();
    },
  };
}

interface Parts {
  readonly cloud: Cloud;
  readonly spawner: Spawner;
  readonly books: Books;
  readonly faults: Faults;
  readonly tunnels: Tunnels;
}

async function listen(parts: Parts, options: ModalEmulatorOptions): Promise<Listener> {
  const { cloud, spawner, books, faults, tunnels } = parts;
  const credentials = new Credentials(
    options.tokens ?? [EMULATOR_TOKEN],
    options.routerTokenSeconds ?? ROUTER_TOKEN_SECONDS,
  );
  const snapshots = new MemorySnapshots(cloud);
  const apps = new Map<string, string>();
  const definitions = await loadDefinitions();
  const routerUrl = () => `https://127.0.0.1:${listener.port}`;
  const controlPlane = {
    ...toAccountMethods({ credentials, images: cloud.images, apps, secrets: options.secrets ?? {} }),
    ...toImageMethods({ images: cloud.images, spawner }, faults),
    ...toSandboxMethods({ cloud, credentials, tunnels, faults, apps, routerUrl, gpuWaitMs: options.gpuWaitMs }),
    ...toMemoryMethods(cloud, snapshots, { credentials, routerUrl }),
  };
  const listener = new Listener(
    options.port ?? 0,
    [
      [definitions.controlPlane, controlPlane],
      [definitions.router, toRouterMethods({ cloud, credentials, snapshots })],
    ],
    toInterceptor({ credentials, faults, definitions, count: (method) => books.count(method) }),
  );
  await listener.open();
  return listener;
}
