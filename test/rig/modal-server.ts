import { fileURLToPath } from "node:url";
import type { SandboxRecord } from "../emulators/modal/books.ts";
import type { Fault } from "../emulators/modal/faults.ts";
import { startEmulatorServer } from "./emulator-server.ts";

const SERVE = fileURLToPath(new URL("../emulators/modal/serve.ts", import.meta.url));

/** The emulator of Modal in a process of its own. */
export interface ModalServer {
  /** For SANDPIPER_MODAL_SERVER_URL. */
  readonly url: string;
  /** What it knows of its sandboxes, ended ones included, oldest first. */
  readSandboxes(): Promise<readonly SandboxRecord[]>;
  inject(fault: Fault): Promise<void>;
  /** Forgets those that have not happened. */
  clearFaults(): Promise<void>;
  /** Ends it with all its sandboxes. Whoever started it stops it. */
  stop(): Promise<void>;
}

/** Starts it on a free port. @throws when it does not start; its reason is on stderr */
export async function startModalServer(): Promise<ModalServer> {
  const server = await startEmulatorServer(SERVE);
  return {
    url: server.url,
    readSandboxes: async () => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as books.ts writes them
      const books = (await server.readBooks()) as { readonly sandboxes: readonly SandboxRecord[] };
      return books.sandboxes;
    },
    inject: (fault) => server.order({ inject: fault }),
    clearFaults: () => server.order({ clearFaults: true }),
    stop: () => server.stop(),
  };
}
