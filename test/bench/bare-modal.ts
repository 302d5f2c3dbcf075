import type { Sandbox } from "modal";
import type { Target } from "../../src/sessions/records.ts";
import { EMULATOR_TOKEN } from "../emulators/modal/credentials.ts";

/** Modal's SDK as its documentation shows it, signed in, with its app and its image at hand. */
export interface BareModal {
  /** Makes a sandbox with the limits of the target. Whoever calls it terminates it. */
  create(): Promise<Sandbox>;
  close(): void;
}

/** The SDK takes its server from the environment, where this puts it for as long as the process lives. */
export async function openBareModal(url: string, target: Target): Promise<BareModal> {
  Object.assign(process.env, { MODAL_SERVER_URL: url, MODAL_CONFIG_PATH: "/nonexistent/modal.toml" });
  const { ModalClient } = await import("modal");
  const client = new ModalClient({ ...EMULATOR_TOKEN, logLevel: "error" });
  const app = await client.apps.fromName("bare", { createIfMissing: true });
  const image = await client.images.fromRegistry("python:3.13-slim").build(app);
  return {
    create: () =>
      client.sandboxes.create(app, image, {
        // What it would do anyhow; the emulator starts nothing before it is needed.
        command: ["sleep", "infinity"],
        blockNetwork: target.network === "none",
        cpu: target.cpus,
        cpuLimit: target.cpus,
        memoryMiB: target.memoryMiB,
        memoryLimitMiB: target.memoryMiB,
        timeoutMs: target.lifetimeMs,
      }),
    close: () => client.close(),
  };
}
