import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Account } from "./account.ts";
import { ENVD_PORT, answerEnvd, toEnvdMethod } from "./envd/envd.ts";
import type { FrontDeps } from "./front.ts";
import { INTERPRETER_PORT, answerInterpreter, toInterpreterMethod } from "./interpreter/interpreter-api.ts";
import type { EmulatedSandbox } from "./sandbox.ts";
import { sameSecret } from "./secrets.ts";
import type { SandboxTarget } from "./target.ts";

/** A request on its way into a sandbox. */
interface Traffic {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly target: SandboxTarget;
}

const TRAFFIC_HEADER = "e2b-traffic-access-token";

/** What a request into a sandbox is named in the books; "Traffic" for a port of its own. */
export function toSandboxMethod({ method = "" }: IncomingMessage, { port }: SandboxTarget, { pathname }: URL): string {
  if (port === ENVD_PORT) return toEnvdMethod(method, pathname);
  return port === INTERPRETER_PORT ? toInterpreterMethod(method, pathname) : "Traffic";
}

/** Answers it as the daemon, the interpreter, or what listens on the port. */
export async function answerSandbox({ account, faults, forwards }: FrontDeps, traffic: Traffic): Promise<void> {
  const { request, response, url, target } = traffic;
  const sandbox = await findRunning(account, target.id);
  if (sandbox && faults.take("lose-sandbox", toSandboxMethod(request, target, url))) await sandbox.kill();
  if (!sandbox || sandbox.state !== "running") return refuse(response, target, "The sandbox was not found");
  if (!mayEnter(sandbox, request, target)) {
    const message = `Sandbox is secured with traffic access token. Token header '${TRAFFIC_HEADER}' is missing or invalid`;
    return refuse(response, target, message, 403);
  }
  watch(sandbox, request, response);
  if (target.port === ENVD_PORT) return answerEnvd({ sandbox, request, response }, url, faults);
  if (target.port === INTERPRETER_PORT && sandbox.parts.template.hasInterpreter) {
    return answerInterpreter(sandbox, request, response);
  }
  const onClosed = () => refuse(response, target, "The sandbox is running but port is not open");
  await forwards.pass({ owner: sandbox, port: target.port }, request, response, onClosed);
}

/** The same for a request that becomes a WebSocket. */
export async function passUpgrade(
  { account, forwards }: FrontDeps,
  target: SandboxTarget,
  { request, socket, head }: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
): Promise<void> {
  const sandbox = await findRunning(account, target.id);
  if (!sandbox || !mayEnter(sandbox, request, target)) return void socket.destroy();
  const cut = () => void socket.destroy();
  sandbox.connections.add(cut);
  socket.once("close", () => sandbox.connections.delete(cut));
  await forwards.passUpgrade({ owner: sandbox, port: target.port }, request, socket, head);
}

/** Traffic wakes those that want it. Undefined when there is none that runs. */
async function findRunning(account: Account, id: string): Promise<EmulatedSandbox | undefined> {
  const sandbox = account.sandboxes.find((one) => one.id === id);
  if (sandbox?.state === "paused" && sandbox.parts.create.autoResume?.enabled) {
    await account.connect(id, toTimed(sandbox), "ResumeSandbox");
  }
  return sandbox?.state === "running" ? sandbox : undefined;
}

function toTimed({ parts }: EmulatedSandbox): { timeout?: number } {
  return parts.create.timeout === undefined ? {} : { timeout: parts.create.timeout };
}

/** The daemon has a token of its own. */
function mayEnter({ trafficToken }: EmulatedSandbox, { headers }: IncomingMessage, { port }: SandboxTarget): boolean {
  if (trafficToken === undefined || port === ENVD_PORT) return true;
  return sameSecret(String(headers[TRAFFIC_HEADER] ?? ""), trafficToken);
}

/** Lets the sandbox cut the connection, and counts what goes over it. */
function watch(sandbox: EmulatedSandbox, { socket }: IncomingMessage, response: ServerResponse): void {
  const cut = () => void socket.destroy();
  const before = { in: countedIn.get(socket) ?? 0, out: socket.bytesWritten };
  sandbox.connections.add(cut);
  response.once("close", () => {
    sandbox.connections.delete(cut);
    sandbox.bytes.in += socket.bytesRead - before.in;
    sandbox.bytes.out += socket.bytesWritten - before.out;
    countedIn.set(socket, socket.bytesRead);
  });
}

/** How much of what came over a connection has been counted: a request's first bytes are there before it is seen. */
const countedIn = new WeakMap<Duplex, number>();

function refuse(response: ServerResponse, { id, port }: SandboxTarget, message: string, code = 502): void {
  response.writeHead(code, { "Content-Type": "application/json; charset=utf-8" });
  response.end(JSON.stringify({ sandboxId: id, message, port, code }));
}
