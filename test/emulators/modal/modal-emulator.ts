import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type CompatServiceDefinition, type Server, ServerError, Status, createServer } from "nice-grpc";
import { type ServiceMethods, toAccountMethods } from "./account-service.ts";
import { Cloud } from "./cloud.ts";
import { Credentials, EMULATOR_TOKEN, type ModalToken } from "./credentials.ts";
import { loadDefinitions } from "./definitions.ts";
import { toImageMethods } from "./image-service.ts";
import { ImageStore } from "./images.ts";
import { toRouterMethods } from "./router-service.ts";
import { toSandboxMethods } from "./sandbox-service.ts";
import { removeTree } from "./trees.ts";

export interface ModalEmulatorOptions {
  /** On the loopback; any free one when absent. */
  readonly port?: number;
  /** Those who may sign in; {@link EMULATOR_TOKEN} when absent. */
  readonly tokens?: readonly ModalToken[];
}

export interface ModalEmulator {
  /** "http://127.0.0.1:port", for MODAL_SERVER_URL. */
  readonly url: string;
  /** Ends every process that it started and removes what it kept on the disk. */
  close(): Promise<void>;
}

const ROUTER_TOKEN_SECONDS = 3600;

/**
 * Starts a server that speaks Modal's wire protocol with the real SDK, over plain HTTP/2 on the loopback, with real
 * processes and files behind it. The SDK has to find MODAL_SERVER_URL in its environment when it is imported.
 */
export async function startModalEmulator(options: ModalEmulatorOptions = {}): Promise<ModalEmulator> {
  const folder = await mkdtemp(path.join(tmpdir(), "modal-emulator-"));
  const images = new ImageStore(path.join(folder, "images"));
  await mkdir(images.folder);
  const credentials = new Credentials(options.tokens ?? [EMULATOR_TOKEN], ROUTER_TOKEN_SECONDS);
  const cloud = new Cloud(path.join(folder, "sandboxes"), images, {});
  const apps = new Map<string, string>();
  const definitions = await loadDefinitions();
  const server = createServer();
  let port = 0;
  add(server, definitions.controlPlane, {
    ...toAccountMethods(credentials, images, apps),
    ...toImageMethods(images),
    ...toSandboxMethods({ cloud, credentials, apps, routerUrl: () => `https://127.0.0.1:${port}` }),
  });
  add(server, definitions.router, toRouterMethods(cloud, credentials));
  port = await server.listen(`127.0.0.1:${options.port ?? 0}`);
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      await cloud.close();
      server.forceShutdown();
      await removeTree(folder);
    },
  };
}

/** Serves what there is of a service; every other method says that it is not implemented. */
function add(server: Server, definition: CompatServiceDefinition, methods: ServiceMethods): void {
  const all: Record<string, unknown> = {};
  for (const name of Object.keys("methods" in definition ? definition.methods : definition)) {
    all[name] =
      methods[name] ?? (() => Promise.reject(new ServerError(Status.UNIMPLEMENTED, `${name} is not emulated.`)));
  }
  server.add(definition, all);
}
