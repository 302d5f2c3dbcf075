import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { ApiError } from "./api-error.ts";

/** One request, with what its address says. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** What stands in the path at the place of a name, decoded. */
  param(name: string): string;
}

/** Answers with JSON, or with what it has written to the response itself; `undefined` is an empty answer. */
type Handler = (call: Call) => unknown;

/** By method and path: "POST /sandbox/:sandbox/start". */
export type Routes = Readonly<Record<string, Handler>>;

/** A route that a request leads to. */
interface FoundRoute<Value> {
  /** Its key, which is what books and faults call it. */
  readonly name: string;
  readonly value: Value;
  readonly params: Readonly<Record<string, string>>;
}

/** An answer with another status than 200. */
export class Answer {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, body?: unknown) {
    this.status = status;
    this.body = body;
  }
}

/** The first route for a method and a path, if there is one. */
export function findRoute<Value>(
  routes: Readonly<Record<string, Value>>,
  method: string,
  path: string,
): FoundRoute<Value> | undefined {
  for (const [name, value] of Object.entries(routes)) {
    const [wantedMethod, pattern = ""] = name.split(" ");
    const params = wantedMethod === method ? matchPath(pattern, path) : undefined;
    if (params) return { name, value, params };
  }
  return undefined;
}

/** @throws 400 when it is no JSON */
export async function readJson<Body>({ request }: Pick<Call, "request">): Promise<Body> {
  try {
    return JSON.parse((await text(request)) || "{}");
  } catch (error) {
    throw new ApiError(400, `invalid request body: ${String(error)}`);
  }
}

function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const [wanted, given] = [pattern.split("/"), path.split("/")];
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const found = given[index] ?? "";
    if (part.startsWith(":") && found !== "") params[part.slice(1)] = decodeURIComponent(found);
    else if (part !== found) return undefined;
  }
  return params;
}
