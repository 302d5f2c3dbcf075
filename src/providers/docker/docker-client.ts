import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import Docker from "dockerode";
import { type Endpoint, describeEndpoint } from "./find-endpoint.ts";
import { createSshAgent } from "./ssh-agent.ts";

/** A daemon to talk to. */
export interface DockerClient {
  readonly docker: Docker;
  /** The daemon, for people. */
  readonly place: string;
}

/** Makes a client for that endpoint; connects at the first call. */
export function createDockerClient(endpoint: Endpoint, env: NodeJS.ProcessEnv): DockerClient {
  // Every key is given, because the library fills those that are missing from the environment by rules of its own.
  const nothing = { socketPath: undefined, host: undefined, port: undefined, username: undefined };
  const options = { ...nothing, ca: undefined, cert: undefined, key: undefined, timeout: undefined, pathPrefix: "/" };
  return { docker: new Docker({ ...options, ...toConnection(endpoint, env) }), place: describeEndpoint(endpoint) };
}

function toConnection(endpoint: Endpoint, env: NodeJS.ProcessEnv): Docker.DockerOptions & { agent: HttpAgent } {
  const keepAlive = { keepAlive: true };
  if (endpoint.kind === "socket")
    return { protocol: "http", socketPath: endpoint.path, agent: new HttpAgent(keepAlive) };
  if (endpoint.kind === "ssh")
    return { protocol: "http", host: "docker.over.ssh", agent: createSshAgent(endpoint, env) };
  const { host, port, tls } = endpoint;
  if (!tls) return { protocol: "http", host, port, agent: new HttpAgent(keepAlive) };
  const { skipVerify, ...certificates } = tls;
  const agent = new HttpsAgent({ ...keepAlive, ...certificates, rejectUnauthorized: !skipVerify });
  return { protocol: "https", host, port, agent };
}
