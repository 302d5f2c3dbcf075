import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Logger, silentLogger } from "../core/logger.ts";
import { SandboxError } from "../core/sandbox-error.ts";
import { prepareStateFolder, type StateFolder } from "../sessions/state-folder.ts";
import { toBuildId } from "./build-id.ts";
import { type ConnectedEngine, EngineClient } from "./engine-client.ts";
import { prepareSocketFolder, toSocketPath } from "./socket-path.ts";
import { spawnEngine } from "./spawn-engine.ts";

const MAX_ATTEMPTS = 20;
const RETRY_MS = 50;

/** How to reach the engine. */
export interface ConnectOptions {
  readonly state: StateFolder;
  /** Of Sandpiper. An idle engine of another version or build makes way. */
  readonly version: string;
  /** Who connects, for logs: "editor", "cli". */
  readonly role: string;
  /** `dist/engine.js`, or `src/engine.ts` when run from source. */
  readonly engineFile: string;
  readonly env: NodeJS.ProcessEnv;
  readonly execPath?: string;
  readonly logger?: Logger;
}

/**
 * Connects to the engine of a state folder, and starts it when there is none. Whoever gets the result disposes it, which
 * ends the connection, not the engine.
 * @throws {SandboxError} `unavailable` when it cannot be started, `blocked` when somebody else owns its folder
 */
export async function connectEngine(options: ConnectOptions): Promise<ConnectedEngine> {
  await prepareStateFolder(options.state);
  const socketPath = toSocketPath(options.state.root);
  await prepareSocketFolder(socketPath);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const socket = await openSocket(socketPath);
    if (socket) {
      const client = await greet(socket, options);
      if (client) return client;
      continue;
    }
    // Another engine may be on its way: the one that starts it says so at once, and listens a moment later.
    if (attempt > 0) await sleep(RETRY_MS);
    await spawnEngine({ ...options, stateRoot: options.state.root });
  }
  throw new SandboxError(
    "unavailable",
    "Sandpiper's engine could not be reached. See engine.log in its state folder, and try again.",
  );
}

// Undefined when the engine went away meanwhile, or made way for one of this version.
async function greet(socket: Socket, options: ConnectOptions): Promise<ConnectedEngine | undefined> {
  const client = new EngineClient(socket, options.logger ?? silentLogger);
  const version = toBuildId(options.version, options.engineFile);
  const hello = await client.greet({ version, role: options.role });
  if (!hello) return undefined;
  if (hello.version === version || !(await client.retire().catch(() => true))) return client;
  options.logger?.info(`The engine of version ${hello.version} makes way for ${version}`);
  await client.closed;
  return undefined;
}

function openSocket(socketPath: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", () => resolve(undefined));
  });
}
