import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { toolNode } from "../../scripts/setup/paths.mjs";

/** An emulator in a process of its own, so that its work is not that of whoever uses it. */
export interface EmulatorServer {
  /** "http://127.0.0.1:port", what its clients are led to. */
  readonly url: string;
  /** Everything that it knows, as its books write it. */
  readBooks(): Promise<unknown>;
  /** Has it do something, and waits for it. @throws when it could not */
  order(what: object): Promise<void>;
  /** Ends it with all its sandboxes. Whoever started it stops it. */
  stop(): Promise<void>;
}

/** Starts an emulator's `serve.ts` on a free port. @throws when it does not start; its reason is on stderr */
export async function startEmulatorServer(program: string, argv: readonly string[] = []): Promise<EmulatorServer> {
  const child = spawn(toolNode(), [program, "--port", "0", ...argv], { stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(child, "exit");
  const [line] = await Promise.race([once(createInterface(child.stdout), "line"), exit.then(() => [])]);
  if (line === undefined) throw new Error(`${program} did not start.`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every serve.ts says that it prints this
  const { url, controlUrl } = JSON.parse(String(line)) as { readonly url: string; readonly controlUrl: string };
  return {
    url,
    readBooks: async () => (await fetch(`${controlUrl}/books`)).json(),
    async order(what) {
      const answer = await fetch(`${controlUrl}/orders`, { method: "POST", body: JSON.stringify(what) });
      if (!answer.ok) throw new Error(await answer.text());
    },
    async stop() {
      child.kill("SIGTERM");
      await exit;
    },
  };
}
