import type { Sandbox } from "modal";
import type { PortAddress, Ports } from "../../core/sandbox.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { abortable } from "../abortable.ts";
import type { Work } from "./machine.ts";

/** Ports that were named at the start have a tunnel that lets everybody in; others get an address with a token. */
export function createPorts(sandbox: Sandbox, work: Work): Ports {
  return {
    open: (port, call) =>
      work(call, async (): Promise<PortAddress> => {
        if (!Number.isInteger(port) || port < 1 || port > 65_535)
          throw new SandboxError("invalid", `There is no port ${port}: ports are whole numbers from 1 to 65535.`);
        const tunnels = await abortable(sandbox.tunnels(), call.signal);
        const tunnel = tunnels[port];
        if (tunnel) return { url: toSafeUrl(tunnel.url) };
        const { url, token } = await abortable(sandbox.createConnectToken({ port }), call.signal);
        return { url: toSafeUrl(url), token };
      }),
  };
}

/** An address is opened by a click: nothing but the web may come of it. */
function toSafeUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "https:" || url?.protocol === "http:") return url.href;
  throw new SandboxError("unavailable", "Modal gave an address that is none of the web's. Try again.");
}
