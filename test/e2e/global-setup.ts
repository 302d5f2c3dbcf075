import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { DisposableStore } from "../../src/core/disposable-store.ts";
import { buildPackage } from "../rig/check-package.ts";
import { startBrowser } from "../rig/chromium.ts";
import { startCodeServer } from "../rig/code-server.ts";
import { startTestDaemon } from "../rig/docker/daemon.ts";
import { ensureTestImages, TEST_IMAGE } from "../rig/docker/test-image.ts";
import { whyUnmet } from "../rig/needs.ts";
import { stopEngine } from "../rig/stop-engine.ts";
import { makeTempFolder, removeFolder } from "../rig/temp-folder.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** VS Code with the packaged extension installed: "127.0.0.1:port". */
    readonly authority: string;
    /** Of the one browser that all tests open windows in. */
    readonly browserEndpoint: string;
    /** A short path to make workspaces in. */
    readonly folder: string;
    /** SANDPIPER_STATE of that VS Code. */
    readonly state: string;
    /** The packaged extension. */
    readonly vsix: string;
    /** The command line in the installed extension. */
    readonly cli: string;
    /** Why there is no Docker, or "". */
    readonly noDocker: string;
  }
}

/** One VS Code, one browser and one Docker daemon for all tests here: each costs seconds to start. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const resources = new DisposableStore();
  try {
    await startAll(project, resources);
  } catch (error) {
    await resources.dispose();
    throw error;
  }
  return () => resources.dispose();
}

async function startAll(project: TestProject, resources: DisposableStore): Promise<void> {
  const folder = makeTempFolder();
  resources.add({ dispose: () => removeFolder(folder) });
  const state = join(folder, "state");
  const noDocker = (await whyUnmet("docker")) ?? "";
  const dockerHost = noDocker === "" ? await startDocker(resources) : "";
  const vsix = await buildPackage(folder);
  resources.add({ dispose: () => stopEngine(state) });
  const server = await startCodeServer({
    folder,
    extension: { vsix },
    env: { SANDPIPER_STATE: state },
    settings: {
      "sandpiper.docker.image": TEST_IMAGE,
      "sandpiper.docker.host": dockerHost,
      "terminal.integrated.scrollback": 20_000,
    },
  });
  resources.add({ dispose: () => server.stop() });
  const browser = await startBrowser();
  resources.add({ dispose: () => browser.stop() });
  project.provide("authority", server.authority);
  project.provide("browserEndpoint", browser.endpoint);
  project.provide("folder", folder);
  project.provide("state", state);
  project.provide("vsix", vsix);
  project.provide("cli", join(server.extensionFolder, "dist/cli.js"));
  project.provide("noDocker", noDocker);
}

async function startDocker(resources: DisposableStore): Promise<string> {
  const daemon = await startTestDaemon();
  resources.add({ dispose: () => daemon.stop() });
  await ensureTestImages(daemon.socketPath);
  return `unix://${daemon.socketPath}`;
}
