import type { Sandbox } from "@daytona/sdk";
import type { PortAddress, Ports } from "../../core/sandbox.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import type { Work } from "./machine.ts";

/** As Daytona's proxy reads it (https://www.daytona.io/docs/en/preview). */
const TOKEN_HEADER = "x-daytona-preview-token";

/** Daytona's preview links: any port at any time, for who has the token. */
export function createPorts(sandbox: Sandbox, work: Work): Ports {
  return {
    open: (port, call) =>
      work(call, async (): Promise<PortAddress> => {
        if (!Number.isInteger(port) || port < 1 || port > 65_535)
          throw new SandboxError("invalid", `There is no port ${port}: ports are whole numbers from 1 to 65535.`);
        const { url, token } = await abortable(sandbox.getPreviewLink(port), call.signal);
        return { url: toSafeUrl(url), token, tokenHeader: TOKEN_HEADER };
      }),
  };
}

/** An address is opened by a click: nothing but the web may come of it. */
function toSafeUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "https:" || url?.protocol === "http:") return url.href;
  throw new SandboxError("unavailable", "Daytona gave an address that is none of the web's. Try again.");
}
