import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { toolNode } from "../../scripts/setup/paths.mjs";
import type { SandboxRecord } from "../emulators/modal/books.ts";
import type { Fault } from "../emulators/modal/faults.ts";

const SERVE = fileURLToPath(new URL("../emulators/modal/serve.ts", import.meta.url));

/** The emulator of Modal in a process of its own, so that its work is not that of whoever uses it. */
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
  const child = spawn(toolNode(), [SERVE, "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(child, "exit");
  const [line] = await Promise.race([once(createInterface(child.stdout), "line"), exit.then(() => [])]);
  if (line === undefined) throw new Error("The emulator of Modal did not start.");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- serve.ts says what it prints
  const { url, controlUrl } = JSON.parse(String(line)) as { readonly url: string; readonly controlUrl: string };
  const order = async (what: object): Promise<void> => {
    await fetch(`${controlUrl}/orders`, { method: "POST", body: JSON.stringify(what) });
  };
  return {
    url,
    readSandboxes: async () => {
      const answer = await fetch(`${controlUrl}/books`);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as books.ts writes them
      return ((await answer.json()) as { readonly sandboxes: readonly SandboxRecord[] }).sandboxes;
    },
    inject: (fault) => order({ inject: fault }),
    clearFaults: () => order({ clearFaults: true }),
    stop: async () => {
      child.kill("SIGTERM");
      await exit;
    },
  };
}
