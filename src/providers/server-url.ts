import { SandboxError } from "../core/sandbox-error.ts";
import { toDisplay } from "../core/workspace-path.ts";

/**
 * The server to use instead of the provider's own, from that variable; undefined when it is not set.
 * @throws {SandboxError} `invalid` for one to which a key would travel readable by others
 */
export function readServerUrl(env: NodeJS.ProcessEnv, variable: string): string | undefined {
  const text = env[variable];
  if (!text) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLoopback = url !== undefined && ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  if (url && (url.protocol === "https:" || (url.protocol === "http:" && isLoopback))) return text;
  throw new SandboxError(
    "invalid",
    `${variable} is "${toDisplay(text)}". It has to begin with https://, or with http:// and name this machine.`,
  );
}
