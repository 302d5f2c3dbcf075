import type { NetworkSettings, NewSandbox } from "./messages.ts";

/** What of the network a sandbox has. */
export type NetworkKind = "open" | "blocked" | "allow-list" | "deny-list";

const EVERYTHING = new Set(["0.0.0.0/0", "ALL_TRAFFIC"]);

/** Anything but "open" has no network here, a list of what is allowed or denied included. */
export function toNetworkKind(
  isAllowed: NewSandbox["allow_internet_access"],
  { allowOut = [], denyOut = [] }: NetworkSettings,
): NetworkKind {
  const isClosed = isAllowed === false || denyOut.some((place) => EVERYTHING.has(place));
  if (isClosed) return allowOut.length > 0 ? "allow-list" : "blocked";
  return denyOut.length > 0 ? "deny-list" : "open";
}
