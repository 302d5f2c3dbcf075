import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { ApiError } from "../api-error.ts";
import type { EmulatedSandbox } from "../sandbox.ts";

/** The port that code is interpreted on, in sandboxes of a template that has it. */
export const INTERPRETER_PORT = 49_999;

interface Execute {
  readonly code: string;
  readonly context_id?: string;
  readonly language?: string;
  readonly env_vars?: Readonly<Record<string, string>>;
}

interface NewContext {
  readonly language?: string;
  readonly cwd?: string;
}

/** What a request to the interpreter is named in the books. */
export function toInterpreterMethod(verb: string, path: string): string {
  if (path === "/execute") return "Execute";
  if (path.endsWith("/restart")) return "RestartContext";
  if (path.startsWith("/contexts/")) return "RemoveContext";
  return verb === "POST" ? "CreateContext" : "ListContexts";
}

/**
 * Answers a request to the interpreter. Source: https://github.com/e2b-dev/code-interpreter, template/server.
 *
 * @throws ApiError
 */
export async function answerInterpreter(
  { contexts }: EmulatedSandbox,
  {
    request,
    response,
    url,
  }: { readonly request: IncomingMessage; readonly response: ServerResponse; readonly url: URL },
): Promise<void> {
  const [, place, id = "", action] = url.pathname.split("/");
  const call = `${request.method} ${place}${id === "" ? "" : "/id"}${action === undefined ? "" : `/${action}`}`;
  switch (call) {
    case "GET health":
      return void response.end('"OK"');
    case "POST execute":
      return execute(contexts, toExecute(await json(request)), response);
    case "GET contexts":
      return send(response, contexts.all);
    case "POST contexts": {
      const { language, cwd } = toNewContext(await json(request));
      return send(response, contexts.create(language, cwd));
    }
    case "POST contexts/id/restart":
      await contexts.restart(id);
      return send(response, null);
    case "DELETE contexts/id":
      await contexts.remove(id);
      return send(response, null);
    default:
      throw new ApiError(404, "Not Found");
  }
}

async function execute(
  contexts: EmulatedSandbox["contexts"],
  { code, context_id: id, language, env_vars: env = {} }: Execute,
  response: ServerResponse,
): Promise<void> {
  if (id && language) throw new ApiError(400, "Only one of context_id or language can be provided");
  const kernel = contexts.get(id ?? undefined, language ?? undefined);
  const left = new AbortController();
  response.once("close", () => left.abort());
  response.writeHead(200, { "Content-Type": "application/json" });
  response.flushHeaders();
  await kernel.run({ code, env }, left.signal, (line) => void response.write(`${line}\n`));
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
