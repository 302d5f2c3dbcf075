import { E2B, type Sandbox, type SandboxOpts } from "@e2b/code-interpreter";
import { EMULATOR_KEY } from "./e2b-emulator.ts";

export type SdkSandbox = Sandbox;

/** The real SDK, signed in at an emulator. */
export interface ConnectedSdk {
  readonly Sandbox: typeof Sandbox;
  /** From E2B's own template for interpreting code. */
  newSandbox(options?: SandboxOpts): Promise<SdkSandbox>;
}

/** How a command ended and what it said. */
export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Holds nothing that has to be given back. */
export function connectSdk({ url }: { readonly url: string }, apiKey = EMULATOR_KEY): ConnectedSdk {
  const client = new E2B({ apiKey, apiUrl: url, sandboxUrl: url });
  return { Sandbox: client.Sandbox, newSandbox: (options = {}) => client.Sandbox.create(options) };
}

/** Runs a command to its end; another exit code than 0 is no error. */
export async function run(
  sandbox: SdkSandbox,
  command: string,
  options: Omit<Parameters<SdkSandbox["commands"]["run"]>[1] & object, "background"> = {},
): Promise<Ended> {
  const handle = await sandbox.commands.run(command, { ...options, background: true });
  const { stdout, stderr, exitCode } = await handle.wait().catch((error: unknown) => {
    if (isExit(error)) return error;
    throw error;
  });
  return { stdout, stderr, exitCode };
}

function isExit(error: unknown): error is Ended {
  return error instanceof Error && error.name === "CommandExitError" && "exitCode" in error;
}
