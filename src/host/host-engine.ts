import { join } from "node:path";
import { DisposableStore } from "../core/disposable-store.ts";
import type { Logger } from "../core/logger.ts";
import { toMessage } from "../core/sandbox-error.ts";
import type { HostedEngine } from "../sessions/create-engine.ts";
import { prepareStateFolder, type StateFolder, toStateFolder } from "../sessions/state-folder.ts";
import { toBuildId } from "./build-id.ts";
import { createEngineServer } from "./engine-server.ts";
import { isAnswered } from "./listen.ts";
import { createFileLogger } from "./log-file.ts";
import { findOtherSockets, prepareSocketFolder, toSocketPath } from "./socket-path.ts";

/** What an engine is made from by {@link hostEngine}'s caller. */
export interface HostParts {
  readonly state: StateFolder;
  readonly logger: Logger;
  /** Whether an engine of another version uses the state folder too. */
  readonly isShared: boolean;
  /** Ended with the process, last in first out. */
  readonly resources: DisposableStore;
}

/**
 * Makes this process an engine's: it listens, serves, and ends when it is told to or has nothing to do. Says "ready" on
 * stdout once some engine listens; when that is another one, nothing more happens here.
 */
export async function hostEngine(
  release: string,
  createEngine: (parts: HostParts) => Promise<HostedEngine>,
): Promise<void> {
  // Whoever started this process stops reading once it is ready.
  process.stdout.on("error", () => undefined);
  process.stderr.on("error", () => undefined);
  const version = toBuildId(release, process.argv[1] ?? "");
  const state = toStateFolder(process.env);
  await prepareStateFolder(state);
  const logger = createFileLogger(join(state.root, "engine.log"), process.env["SANDPIPER_DEBUG"] ? "debug" : "info");
  const socketPath = toSocketPath(state.root);
  await prepareSocketFolder(socketPath);
  const resources = new DisposableStore();
  const finish = (reason: string): void => void endProcess(resources, logger, reason);
  const server = await createEngineServer({ socketPath, version, logger, onDidFinish: () => finish("nothing to do") });
  process.stdout.write("ready\n");
  if (!server) return;
  resources.add(server);
  process.once("SIGTERM", () => finish("SIGTERM"));
  process.once("SIGINT", () => finish("SIGINT"));
  // One run's bug is not every run's end.
  process.on("uncaughtException", (error) => logger.error(`Uncaught: ${error.stack ?? error.message}`));
  process.on("unhandledRejection", (error) =>
    logger.error(`Unhandled: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
  );
  logger.info(`The engine ${version} listens on ${socketPath}`);
  const engine = createEngine({
    state,
    logger,
    isShared: await isAnyAnswered(await findOtherSockets(socketPath)),
    resources,
  });
  server.serve(engine);
  resources.add(await engine);
}

async function endProcess(resources: DisposableStore, logger: Logger, reason: string): Promise<void> {
  logger.info(`The engine ends: ${reason}`);
  try {
    await resources.dispose();
    process.exit(0);
  } catch (error) {
    logger.error(toMessage(error));
    process.exit(1);
  }
}

async function isAnyAnswered(sockets: readonly string[]): Promise<boolean> {
  const answers = await Promise.all(sockets.map((socket) => isAnswered(socket)));
  return answers.includes(true);
}
