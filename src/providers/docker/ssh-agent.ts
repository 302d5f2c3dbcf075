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
  const duplex = new Duplex({
    read: () => void stdout.resume(),
    // Without the error of a write: its exit tells more, and ssh says why.
    write: (chunk: Uint8Array, _encoding, done) => void stdin.write(chunk, () => done()),
    final: (done) => void stdin.end(() => done()),
    destroy: (error, done) => {
      child.kill();
      done(error);
    },
  });
  const fail = (reason: string): void => {
    duplex.destroy(Object.assign(new Error(`ssh ${destination}: ${reason}`), { code: "ESSH" }));
  };
  stdout.on("data", (chunk: Uint8Array) => {
    if (!duplex.push(chunk)) stdout.pause();
  });
  stdin.on("error", () => {});
  child.on("error", (error) => fail(isMissing(error) ? "ssh is not installed" : error.message));
  // Not at the end of stdout: http would then report a connection that broke, before the reason is known.
  child.on("close", (code) => {
    if (code === 0 || duplex.destroyed) duplex.push(null);
    else fail(said.trim().split("\n").at(-1) || `it ended with code ${code}`);
  });
  // What http expects of a socket.
  return Object.assign(duplex, { setKeepAlive() {}, setNoDelay() {}, setTimeout() {}, ref() {}, unref() {} });
}

function isMissing(error: Error): boolean {
  return "code" in error && error.code === "ENOENT";
}
