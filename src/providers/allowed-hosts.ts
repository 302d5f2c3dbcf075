import { isIP } from "node:net";
import { SandboxError } from "../core/sandbox-error.ts";
import { toDisplay } from "../core/workspace-path.ts";

const DOMAIN = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;

/** `SandboxSpec.allowedHosts` by kind. */
export interface AllowedHosts {
  /** Ranges of addresses; a single address is a range of one. */
  readonly cidrs: string[];
  readonly domains: string[];
}

/** Sorts what a sandbox may reach. @throws {SandboxError} `invalid`, naming what is neither domain nor range */
export function sortAllowedHosts(hosts: readonly string[] = []): AllowedHosts {
  const cidrs = hosts.filter(isAddress);
  const domains = hosts.filter((host) => !isAddress(host));
  for (const cidr of cidrs) if (!isCidr(cidr)) refuseHost(cidr);
  for (const domain of domains) if (!DOMAIN.test(domain)) refuseHost(domain);
  return { cidrs: cidrs.map(toCidr), domains };
}

function isAddress(host: string): boolean {
  return host.includes("/") || isIP(host) !== 0;
}

function isCidr(host: string): boolean {
  const [address = "", bits, ...rest] = host.split("/");
  const kind = isIP(address);
  if (kind === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (kind === 4 ? 32 : 128));
}

function toCidr(host: string): string {
  if (host.includes("/")) return host;
  return `${host}/${isIP(host) === 4 ? 32 : 128}`;
}

function refuseHost(host: string): never {
  throw new SandboxError(
    "invalid",
    `"${toDisplay(host)}" can't be allowed: give a domain ("pypi.org", "*.pypi.org") or a range of addresses ("10.0.0.0/8").`,
  );
}
