import type { Sandbox as SdkSandbox } from "@e2b/code-interpreter";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { USER } from "./layout.ts";

/** A program to run in a sandbox. */
export interface Program {
  readonly argv: readonly string[];
  readonly user: "root" | typeof USER;
  /** On top of the sandbox's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether something will be written to it; else its stdin is at its end. */
  readonly hasInput: boolean;
}

/** What a program writes, in the order in which it was written, without what it was written to being decoded. */
export interface OutputChunk {
  readonly stream: "stdout" | "stderr";
  readonly bytes: Uint8Array;
}

/** A program that has started. */
export interface StartedProgram {
  readonly pid: number;
  /** Ends with the program, or throws when the connection is cut. Reading slowly holds the program back. Single-use. */
  readonly output: AsyncIterator<OutputChunk>;
}

/** A message of `process.ProcessEvent`, as far as it is used (packages/envd/spec/process/process.proto of e2b-dev/infra). */
interface ProcessMessage {
  readonly event?: {
    readonly event:
      | { readonly case: "start"; readonly value: { readonly pid: number } }
      | {
          readonly case: "data";
          readonly value: { readonly output: { readonly case?: string | undefined; readonly value?: Uint8Array } };
        }
      | { readonly case: "end" | "keepalive" | undefined; readonly value?: unknown };
  };
}

/** What is used of the SDK's client for `process.Process`. */
interface ProcessService {
  start(
    request: {
      readonly process: {
        readonly cmd: string;
        readonly args: readonly string[];
        readonly envs: Record<string, string>;
        readonly cwd: string;
      };
      readonly stdin: boolean;
    },
    options: { readonly headers: Record<string, string>; readonly signal: AbortSignal; readonly timeoutMs: number },
  ): AsyncIterable<ProcessMessage>;
}

/** Seconds between signs of life of a command that is silent, so that nothing in between takes the connection for dead. */
const PING_INTERVAL = "50";

/**
 * Starts a program. The SDK's `commands.run` decodes output as UTF-8, which loses bytes that are none, keeps all of it in
 * memory, and goes through a login shell, which changes the environment; this is the call that it makes (`Commands.start`
 * of e2b@2.51.0), by the client that it keeps for its subclasses.
 * @param cut ends the connection; the program goes on
 */
export async function startProgram(sandbox: SdkSandbox, program: Program, cut: AbortSignal): Promise<StartedProgram> {
  const { argv, user, env = {}, hasInput } = program;
  const [cmd = "", ...args] = argv;
  // The supervisor goes to the folder itself, so that one that is missing is told in our words.
  const request = { process: { cmd, args, envs: { ...env }, cwd: "/" }, stdin: hasInput };
  const headers = {
    Authorization: `Basic ${Buffer.from(`${user}:`).toString("base64")}`,
    "Keepalive-Ping-Interval": PING_INTERVAL,
  };
  const messages = findService(sandbox).start(request, { headers, signal: cut, timeoutMs: 0 });
  const events = messages[Symbol.asyncIterator]();
  const first = await events.next();
  const started = first.done ? undefined : first.value.event?.event;
  if (started?.case !== "start")
    throw new SandboxError("unavailable", "The sandbox did not start the command. Try again.");
  return { pid: started.value.pid, output: readOutput(events) };
}

async function* readOutput(events: AsyncIterator<ProcessMessage>): AsyncGenerator<OutputChunk> {
  for (let next = await events.next(); !next.done; next = await events.next()) {
    const event = next.value.event?.event;
    if (event?.case !== "data") continue;
    const { case: stream, value: bytes } = event.value.output;
    if (bytes && (stream === "stdout" || stream === "stderr")) yield { stream, bytes };
  }
}

function findService(sandbox: SdkSandbox): ProcessService {
  const commands: object = sandbox.commands;
  const service: unknown = "rpc" in commands ? commands.rpc : undefined;
  if (isService(service)) return service;
  throw new SandboxError("unavailable", "This version of the E2B SDK can't start commands this way. Report it.");
}

function isService(value: unknown): value is ProcessService {
  return typeof value === "object" && value !== null && "start" in value && typeof value.start === "function";
}
