import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiError } from "./api-error.ts";
import { CONTROL_ROUTES, type ControlRoute } from "./control-api.ts";
import type { FrontDeps } from "./front.ts";
import { sameSecret } from "./secrets.ts";

/** What a request to the control plane is named in the books: "CreateSandbox", or "GET /path" when there is no such call. */
export function toControlMethod({ method = "" }: IncomingMessage, { pathname }: URL): string {
  return findRoute(method, pathname)?.name ?? `${method} ${pathname}`;
}

/** Answers a request of somebody who may ask. @throws ApiError */
export async function answerControl(
  { account, faults, apiKeys }: FrontDeps,
  {
    request,
    response,
    url,
  }: { readonly request: IncomingMessage; readonly response: ServerResponse; readonly url: URL },
): Promise<void> {
  if (url.pathname === "/health") return void response.end("Health check successful");
  checkKey(request, apiKeys);
  const route = findRoute(request.method ?? "", url.pathname);
  if (!route) throw new ApiError(404, `${request.method} ${url.pathname} is not emulated`);
  const [, encoded = ""] = route.path.exec(url.pathname) ?? [];
  const id = decodeURIComponent(encoded);
  if (id !== "" && faults.take("lose-sandbox", route.name)) await account.get(id).kill();
  await route.answer(account, { request, response, url, id });
}

function findRoute(verb: string, pathname: string): ControlRoute | undefined {
  return CONTROL_ROUTES.find((route) => route.verb === verb && route.path.test(pathname));
}

/** @throws ApiError 401 */
function checkKey({ headers }: IncomingMessage, apiKeys: readonly string[]): void {
  const given = String(headers["x-api-key"] ?? /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "");
  if (apiKeys.some((key) => sameSecret(key, given))) return;
  throw new ApiError(401, "Invalid API key, please visit https://e2b.dev/docs/api-key for more information.");
}
