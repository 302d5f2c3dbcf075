import { fileURLToPath } from "node:url";
import type { SandboxRecord } from "../emulators/e2b/books.ts";
import type { Fault } from "../emulators/e2b/faults.ts";
import { startEmulatorServer } from "./emulator-server.ts";

const SERVE = fileURLToPath(new URL("../emulators/e2b/serve.ts", import.meta.url));

/** The emulator of E2B in a process of its own. */
export interface E2bServer {
  /** For E2B_API_URL and E2B_SANDBOX_URL. */
  readonly url: string;
  /** What it knows of its sandboxes, ended ones included, oldest first. */
  readSandboxes(): Promise<readonly SandboxRecord[]>;
  /** Lets the end of a sandbox's time come: it pauses or ends as it was to. */
  expire(sandboxId: string): Promise<void>;
  inject(fault: Fault): Promise<void>;
  /** Forgets those that have not happened. */
  clearFaults(): Promise<void>;
  /** Ends it with all its sandboxes. Whoever started it stops it. */
  stop(): Promise<void>;
}

/** Starts it on a free port. @throws when it does not start; its reason is on stderr */
export async function startE2bServer(): Promise<E2bServer> {
  const server = await startEmulatorServer(SERVE);
  return {
    url: server.url,
    readSandboxes: async () => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as books.ts writes them
      const books = (await server.readBooks()) as { readonly sandboxes: readonly SandboxRecord[] };
      return books.sandboxes;
    },
    expire: (sandboxId) => server.order({ expire: sandboxId }),
    inject: (fault) => server.order({ inject: fault }),
    clearFaults: () => server.order({ clearFaults: true }),
    stop: () => server.stop(),
  };
}
