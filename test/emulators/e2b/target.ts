import type { IncomingMessage } from "node:http";

/** Where in a sandbox a request is to go. */
export interface SandboxTarget {
  readonly id: string;
  readonly port: number;
}

/** By its headers, or by the name of its host ("3000-ID.domain"); undefined for the control plane's own. */
export function toTarget({ headers }: IncomingMessage): SandboxTarget | undefined {
  const { "e2b-sandbox-id": id, "e2b-sandbox-port": port } = headers;
  if (id !== undefined) return { id: String(id), port: Number(port) };
  const [, hostPort, hostId] = /^(\d+)-([a-z0-9]+)\./.exec(headers.host ?? "") ?? [];
  return hostId === undefined ? undefined : { id: hostId, port: Number(hostPort) };
}
