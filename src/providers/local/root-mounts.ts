import { existsSync, lstatSync, readlinkSync, realpathSync } from "node:fs";
import type { NetworkPolicy } from "../../core/provider.ts";

/** One thing that a sandbox sees of the host. */
export type Mount =
  | { readonly kind: "link"; readonly target: string; readonly at: string }
  | {
      readonly kind: "bind";
      readonly source: string;
      readonly at: string;
      readonly writable: boolean;
      /** Any user can open the source by its path. */ readonly reachable: boolean;
    };

/** Folders of the root; links into /usr on most systems. */
export const TOP_FOLDERS = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];
export const STORES = ["/nix/store", "/gnu/store", "/run/current-system"];
export const ETC = [
  "alternatives",
  "ca-certificates",
  "crypto-policies",
  "fonts",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "localtime",
  "magic",
  "mime.types",
  "perl",
  "pki",
  "R",
  "services",
  "protocols",
  "ssl",
  "static",
  "timezone",
  "xml",
];
export const ETC_WITH_NETWORK = ["resolv.conf"];

/** What every sandbox sees of the system, read-only: programs and libraries, and of /etc what they need, with no accounts in it. */
export function listSystemMounts(network: NetworkPolicy): Mount[] {
  const mounts: Mount[] = [toBind("/usr")];
  for (const name of TOP_FOLDERS) {
    const path = `/${name}`;
    if (!existsSync(path)) continue;
    if (lstatSync(path).isSymbolicLink()) mounts.push({ kind: "link", target: readlinkSync(path), at: path });
    else mounts.push(toBind(path));
  }
  mounts.push(...STORES.filter((path) => existsSync(path)).map((path) => toBind(path)));
  const names = network === "none" ? ETC : [...ETC, ...ETC_WITH_NETWORK];
  for (const path of names.map((name) => `/etc/${name}`))
    // Resolved: /etc/resolv.conf often links to a file in /run, which the sandbox does not have.
    if (existsSync(path)) mounts.push({ ...toBind(path), source: realpathSync(path) });
  return mounts;
}

function toBind(path: string): Extract<Mount, { kind: "bind" }> {
  return { kind: "bind", source: path, at: path, writable: false, reachable: true };
}
