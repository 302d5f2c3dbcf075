import { type ChildProcess, spawn } from "node:child_process";
import { Agent } from "node:http";
import { Duplex } from "node:stream";
import type { Endpoint } from "./find-endpoint.ts";

/** The arguments for `ssh` that join its stdio to the daemon of the machine at the other end. */
export function toSshArguments(endpoint: Extract<Endpoint, { kind: "ssh" }>): string[] {
  const port = endpoint.port === undefined ? [] : ["-p", String(endpoint.port)];
  // BatchMode: nobody could answer a question for a password or a new host key.
  const options = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-T", ...port];
  return [...options, "--", endpoint.destination, "docker", "system", "dial-stdio"];
}

/**
 * Makes each connection a process of the user's own `ssh`: their keys, agent, jump hosts and known hosts count, exactly
 * as for the docker command.
 */
export function createSshAgent(endpoint: Extract<Endpoint, { kind: "ssh" }>, env: NodeJS.ProcessEnv): Agent {
  const agent = new Agent({ keepAlive: true });
  agent.createConnection = () => {
    const child = spawn("ssh", toSshArguments(endpoint), { stdio: ["pipe", "pipe", "pipe"], env });
    return toDuplex(child, endpoint.destination);
  };
  return agent;
}

function toDuplex(child: ChildProcess, destination: string): Duplex {
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new Error("ssh was started without pipes.");
  let said = "";
  stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-2000)));
  const duplex = Duplex.from({ readable: stdout, writable: stdin });
  const fail = (reason: string): void => {
    duplex.destroy(Object.assign(new Error(`ssh ${destination}: ${reason}`), { code: "ESSH" }));
  };
  child.on("error", (error) =>
    fail("code" in error && error.code === "ENOENT" ? "ssh is not installed" : error.message),
  );
  child.on("exit", (code) => {
    if (code !== 0 && code !== null) fail(said.trim().split("\n").at(-1) ?? `ended with code ${code}`);
  });
  duplex.on("close", () => child.kill());
  // What http expects of a socket.
  return Object.assign(duplex, { setKeepAlive() {}, setNoDelay() {}, setTimeout() {}, ref() {}, unref() {} });
}
