// The engine's own process: started on demand by the editor or the command line, shared by both, ended when idle.
import { join } from "node:path";
import { DisposableStore } from "./core/disposable-store.ts";
import { toMessage } from "./core/sandbox-error.ts";
import { readOwnVersion } from "./cli/own-version.ts";
import { createEngineServer } from "./host/engine-server.ts";
import { isAnswered } from "./host/listen.ts";
import { createFileLogger } from "./host/log-file.ts";
import { findOtherSockets, prepareSocketFolder, toSocketPath } from "./host/socket-path.ts";
import { loadProvider } from "./providers/registry.ts";
import { createEngine } from "./sessions/create-engine.ts";
import { prepareStateFolder, toStateFolder } from "./sessions/state-folder.ts";
import { createScanner } from "./snapshots/scanner.ts";

async function main(): Promise<void> {
  const state = toStateFolder(process.env);
  await prepareStateFolder(state);
  const logger = createFileLogger(join(state.root, "engine.log"), process.env["SANDPIPER_DEBUG"] ? "debug" : "info");
  const socketPath = toSocketPath(state.root);
  await prepareSocketFolder(socketPath);
  const resources = new DisposableStore();
  const finish = (reason: string): void => {
    logger.info(`The engine ends: ${reason}`);
    void resources.dispose().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error(toMessage(error));
        process.exit(1);
      },
    );
  };
  const version = readOwnVersion(import.meta.url);
  const server = await createEngineServer({ socketPath, version, logger, onDidFinish: () => finish("nothing to do") });
  // Whoever started this process waits for a word, whichever engine it is that listens.
  process.stdout.write("ready\n");
  if (!server) return;
  process.once("SIGTERM", () => finish("SIGTERM"));
  process.once("SIGINT", () => finish("SIGINT"));
  logger.info(`The engine ${version} listens on ${socketPath}`);
  const scanner = resources.add(createScanner(toScanWorker()));
  const engine = createEngine({
    state,
    scanner,
    logger,
    isShared: await isAnyAnswered(await findOtherSockets(socketPath)),
    loadProvider: (target) =>
      loadProvider(target.providerId, target.options, {
        stateFolder: join(state.providers, target.providerId),
        env: process.env,
        platform: process.platform,
      }),
  });
  resources.add(server);
  server.serve(engine);
  resources.add(await engine);
}

async function isAnyAnswered(sockets: readonly string[]): Promise<boolean> {
  const answers = await Promise.all(sockets.map((socket) => isAnswered(socket)));
  return answers.includes(true);
}

// Beside this file when bundled.
function toScanWorker(): URL {
  return new URL(import.meta.url.endsWith(".ts") ? "./snapshots/scan-worker.ts" : "./scan-worker.js", import.meta.url);
}

// Whoever started this process stops reading once it is ready.
process.stdout.on("error", () => undefined);
process.stderr.on("error", () => undefined);

try {
  await main();
} catch (error) {
  process.stderr.write(`${toMessage(error)}\n`);
  process.exitCode = 1;
}
