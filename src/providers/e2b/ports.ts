import type { Sandbox as SdkSandbox } from "@e2b/code-interpreter";
import type { PortAddress, Ports } from "../../core/sandbox.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { Account } from "./account.ts";
import type { E2bServers } from "./e2b-options.ts";
import type { Work } from "./machine.ts";

/** What E2B looks for the token in; https://e2b.dev/docs/sandbox/internet-access. */
const TOKEN_HEADER = "e2b-traffic-access-token";

/** Every port has an address, which lets in who has the sandbox's token. */
export function createPorts({ servers }: Account, sandbox: SdkSandbox, work: Work): Ports {
  return {
    open: (port, call) =>
      work(call, async (): Promise<PortAddress> => {
        if (!Number.isInteger(port) || port < 1 || port > 65_535)
          throw new SandboxError("invalid", `There is no port ${port}: ports are whole numbers from 1 to 65535.`);
        const { trafficAccessToken: token } = sandbox;
        // Without one everybody would be let in, and we asked for that nowhere.
        if (!token)
          throw new SandboxError("unavailable", "E2B gave the sandbox no token for its ports. Start a new session.");
        return { url: toUrl(servers, sandbox, port), token, tokenHeader: TOKEN_HEADER };
      }),
  };
}

/** A host per port; where one address is for all sandboxes, the SDK's names would lead elsewhere. */
function toUrl({ sandboxUrl }: E2bServers, sandbox: SdkSandbox, port: number): string {
  if (sandboxUrl === undefined) return `https://${sandbox.getHost(port)}/`;
  const url = new URL("/", sandboxUrl);
  const host = ["127.0.0.1", "[::1]"].includes(url.hostname) ? "localhost" : url.hostname;
  url.hostname = `${port}-${sandbox.sandboxId}.${host}`;
  return url.href;
}
