import { once } from "node:events";
import { toAbsolute, toEnvironment } from "../users.ts";
import { ConnectError, endStream, readMessage, sendMessage, sendPart } from "./connect-json.ts";
import { EnvdProcess, type StartRequest } from "./envd-process.ts";
import type { ProcessSelector } from "./process-table.ts";
import { type RpcCall, type RpcMethod, keepAlive, toCaller, toTimeout } from "./rpc-call.ts";

interface Named {
  readonly process: ProcessSelector;
}

/** What calls that name a process carry besides. */
interface ProcessMessage extends Named {
  readonly pty?: StartRequest["pty"];
  /** base64. */
  readonly input?: { readonly stdin?: string; readonly pty?: string };
  readonly signal?: string;
}

const COMMAND_CHARACTERS = 200;

/** `process.Process`, by the names of its methods. `StreamInput` is not there: SDKs over HTTP/1.1 have no use for it. */
export const PROCESS_METHODS: Readonly<Record<string, RpcMethod>> = {
  Start: start,
  Connect: connect,
  List: async ({ sandbox, response }) => {
    const processes = sandbox.processes.all.map(({ pid, start: { process, tag } }) => ({ config: process, pid, tag }));
    sendMessage(response, { processes });
  },
  Update: onProcess((process, { pty }) => process.resize(pty?.size ?? {})),
  SendInput: onProcess((process, { input = {} }) => {
    const stream = input.pty === undefined ? "stdin" : "pty";
    return process.write(stream, Buffer.from(input[stream] ?? "", "base64"));
  }),
  CloseStdin: onProcess(async (process) => process.closeInput()),
  SendSignal: onProcess((process, { signal = "" }) => process.signal(toSignal(signal))),
};

async function start(call: RpcCall): Promise<void> {
  const { sandbox, request } = call;
  const user = toCaller(request);
  const wanted = await readMessage<StartRequest>(request);
  const machine = await sandbox.machine();
  const env = toEnvironment(user.name, sandbox);
  const workdir = toWorkdir(wanted, user);
  const process = await EnvdProcess.start(wanted, { machine, env, workdir, userId: user.id });
  const following = follow(process, call);
  sandbox.processes.add(process);
  const { cmd, args = [] } = wanted.process;
  sandbox.commands.push([cmd, ...args].join(" ").slice(0, COMMAND_CHARACTERS));
  endInTime(process, toTimeout(request));
  await following;
}

async function connect(call: RpcCall): Promise<void> {
  const { process } = await readMessage<Named>(call.request);
  await follow(call.sandbox.processes.get(process), call);
}

/** Sends all that a process prints from now on, and its end. Resolves when the client leaves, too. */
async function follow(process: EnvdProcess, { request, response }: RpcCall): Promise<void> {
  sendPart(response, { event: { start: { pid: process.pid } } });
  const stopListening = process.listen((event) => sendPart(response, { event }));
  const stopPinging = keepAlive(request, () => sendPart(response, { event: { keepalive: {} } }));
  const isOver = await Promise.race([process.ended.then(() => true), once(response, "close").then(() => false)]);
  stopListening();
  stopPinging();
  if (isOver) endStream(response);
}

/** The client's time limit is the process's. */
function endInTime(process: EnvdProcess, timeoutMs: number | undefined): void {
  if (timeoutMs === undefined) return;
  const timer = setTimeout(() => void process.signal("SIGKILL"), timeoutMs);
  void process.ended.then(() => clearTimeout(timer));
}

function onProcess(act: (process: EnvdProcess, message: ProcessMessage) => Promise<void>): RpcMethod {
  return async ({ sandbox, request, response }) => {
    const message = await readMessage<ProcessMessage>(request);
    await act(sandbox.processes.get(message.process), message);
    sendMessage(response, {});
  };
}

function toWorkdir({ process }: StartRequest, user: Parameters<typeof toAbsolute>[1]): string {
  try {
    return toAbsolute(process.cwd ?? "", user);
  } catch (error) {
    throw new ConnectError("invalid_argument", error instanceof Error ? error.message : "");
  }
}

function toSignal(name: string): "SIGKILL" | "SIGTERM" {
  if (name === "SIGNAL_SIGKILL") return "SIGKILL";
  if (name === "SIGNAL_SIGTERM") return "SIGTERM";
  throw new ConnectError("unimplemented", `invalid signal: ${name}`);
}
