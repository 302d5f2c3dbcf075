import type { App, ModalClient, Sandbox, SandboxCreateParams, SandboxExecParams } from "modal";
import { EMULATOR_TOKEN, type ModalToken } from "./credentials.ts";
import type { ModalEmulator } from "./modal-emulator.ts";

/** The real SDK, signed in at an emulator. */
export interface ConnectedSdk {
  readonly modal: ModalClient;
  readonly app: App;
  /** From an image of a registry. */
  newSandbox(params?: SandboxCreateParams): Promise<Sandbox>;
}

/** How a command ended and what it said. */
export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/**
 * The SDK finds its server in the environment when a client is made, and its settings file, which is not wanted, when it
 * is imported. `modal.close()` is the caller's.
 */
export async function connectSdk(
  emulator: Pick<ModalEmulator, "url">,
  token: ModalToken = EMULATOR_TOKEN,
): Promise<ConnectedSdk> {
  process.env["MODAL_SERVER_URL"] = emulator.url;
  process.env["MODAL_CONFIG_PATH"] = "/nonexistent";
  const sdk = await import("modal");
  const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  const modal = new sdk.ModalClient({ ...token, logger });
  const app = await modal.apps.fromName("emulator-test", { createIfMissing: true });
  return {
    modal,
    app,
    newSandbox: (params = {}) => modal.sandboxes.create(app, modal.images.fromRegistry("python:3.13"), params),
  };
}

/** Runs a command to its end; its input is `stdin`, or nothing. */
export async function run(
  sandbox: Sandbox,
  argv: string[],
  { stdin, ...params }: Omit<SandboxExecParams, "mode"> & { readonly stdin?: string } = {},
): Promise<Ended> {
  const process = await sandbox.exec(argv, params);
  if (stdin !== undefined) await process.stdin.writeText(stdin);
  await process.stdin.close();
  const [stdout, stderr, code] = await Promise.all([
    process.stdout.readText(),
    process.stderr.readText(),
    process.wait(),
  ]);
  return { stdout, stderr, code };
}

function ignore(): void {}
