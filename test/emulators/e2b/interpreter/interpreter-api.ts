import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { ApiError } from "../api-error.ts";
import type { EmulatedSandbox } from "../sandbox.ts";

/** The port that code is interpreted on, in sandboxes of a template that has it. */
export const INTERPRETER_PORT = 49_999;

/** What is not wanted is absent in JavaScript's SDK and null in Python's. */
interface Execute {
  readonly code: string;
  readonly context_id?: string | null;
  readonly language?: string | null;
  readonly env_vars?: Readonly<Record<string, string>> | null;
}

interface NewContext {
  readonly language?: string | null;
  readonly cwd?: string | null;
}

/** What a request to the interpreter is named in the books. */
export function toInterpreterMethod(verb: string, path: string): string {
  if (path === "/execute") return "Execute";
  if (path.endsWith("/restart")) return "RestartContext";
  if (path.startsWith("/contexts/")) return "RemoveContext";
  return verb === "POST" ? "CreateContext" : "ListContexts";
}

/** One call of the interpreter. */
interface InterpreterCall {
  readonly contexts: EmulatedSandbox["contexts"];
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** A context's, where the path has one. */
  readonly id: string;
}

const CALLS: Readonly<Record<string, (call: InterpreterCall) => Promise<void> | void>> = {
  "GET health": ({ response }) => send(response, "OK"),
  "POST execute": async (call) => execute(call, toExecute(await json(call.request))),
  "GET contexts": ({ contexts, response }) => send(response, contexts.all),
  "POST contexts": async ({ contexts, request, response }) => {
    const { language, cwd } = toNewContext(await json(request));
    send(response, contexts.create(language ?? undefined, cwd ?? undefined));
  },
  "POST contexts/id/restart": async ({ contexts, response, id }) => {
    await contexts.restart(id);
    send(response, null);
  },
  "DELETE contexts/id": async ({ contexts, response, id }) => {
    await contexts.remove(id);
    send(response, null);
  },
};

/**
 * Answers a request to the interpreter. Source: https://github.com/e2b-dev/code-interpreter, template/server.
 *
 * @throws ApiError
 */
export async function answerInterpreter(
  { contexts }: EmulatedSandbox,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  const [, place, id = "", ...rest] = pathname.split("/");
  const call = CALLS[`${request.method} ${[place, ...(id === "" ? [] : ["id"]), ...rest].join("/")}`];
  if (!call) throw new ApiError(404, "Not Found");
  await call({ contexts, request, response, id });
}

async function execute(
  { contexts, response }: InterpreterCall,
  { code, context_id: id, language, env_vars: env }: Execute,
): Promise<void> {
  if (id && language) throw new ApiError(400, "Only one of context_id or language can be provided");
  const kernel = contexts.get(id ?? undefined, language ?? undefined);
  const left = new AbortController();
  response.once("close", () => left.abort());
  response.writeHead(200, { "Content-Type": "application/json" });
  response.flushHeaders();
  await kernel.run({ code, env: env ?? {} }, left.signal, (line) => void response.write(`${line}\n`));
  response.end('{"type": "end_of_execution"}\n');
}

function send(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(value));
}

function toExecute(body: unknown): Execute {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the SDK's
  return body as Execute;
}

function toNewContext(body: unknown): NewContext {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the SDK's
  return body as NewContext;
}
