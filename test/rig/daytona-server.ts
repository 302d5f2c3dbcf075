import { fileURLToPath } from "node:url";
import type { SandboxRecord } from "../emulators/daytona/books.ts";
import type { Order } from "../emulators/daytona/orders.ts";
import { startEmulatorServer } from "./emulator-server.ts";

const SERVE = fileURLToPath(new URL("../emulators/daytona/serve.ts", import.meta.url));

/** The emulator of Daytona in a process of its own. */
export interface DaytonaServer {
  /** For DAYTONA_API_URL. */
  readonly url: string;
  /** What it knows of its sandboxes, destroyed ones included, oldest first. */
  readSandboxes(): Promise<readonly SandboxRecord[]>;
  /** @throws when it could not */
  order(what: Order): Promise<void>;
  /** Ends it with all its sandboxes. Whoever started it stops it. */
  stop(): Promise<void>;
}

/** Starts it on a free port; `argv` is as in its serve.ts. @throws when it does not start; its reason is on stderr */
export async function startDaytonaServer(argv: readonly string[] = []): Promise<DaytonaServer> {
  const server = await startEmulatorServer(SERVE, argv);
  return {
    url: server.url,
    order: (what) => server.order(what),
    stop: () => server.stop(),
    readSandboxes: async () => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as books.ts writes them
      const books = (await server.readBooks()) as { readonly sandboxes: readonly SandboxRecord[] };
      return books.sandboxes;
    },
  };
}
