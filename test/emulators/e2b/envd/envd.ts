import { ApiError } from "../api-error.ts";
import type { Faults } from "../faults.ts";
import { sameSecret } from "../secrets.ts";
import { ConnectError, sendConnectError } from "./connect-json.ts";
import { receiveFiles, sendFile } from "./file-transfers.ts";
import { FILESYSTEM_METHODS } from "./filesystem-service.ts";
import { PROCESS_METHODS } from "./process-service.ts";
import type { RpcCall, RpcMethod } from "./rpc-call.ts";

/** The port that the daemon listens on in every sandbox. */
export const ENVD_PORT = 49_983;
/** The daemon's, new enough for all that SDKs ask of one. */
export const ENVD_VERSION = "0.6.4";

const SERVICES: Readonly<Record<string, Readonly<Record<string, RpcMethod>>>> = {
  "process.Process": PROCESS_METHODS,
  "filesystem.Filesystem": FILESYSTEM_METHODS,
};
const FILES = { GET: "ReadFile", POST: "WriteFile" } as const;

/** What a request to the daemon is named in the books. */
export function toEnvdMethod(verb: string, path: string): string {
  if (path === "/health") return "Health";
  if (path === "/files") return verb === "POST" ? FILES.POST : FILES.GET;
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Answers a request to the daemon of a sandbox that runs. */
export async function answerEnvd(call: RpcCall, url: URL, faults: Faults): Promise<void> {
  const { request, response } = call;
  if (url.pathname === "/health") return void response.writeHead(204).end();
  if (url.pathname === "/files") {
    if (request.method === "POST") return receiveFiles(call, url.searchParams);
    return sendFile(call, url.searchParams);
  }
  const { envdToken } = call.sandbox;
  if (envdToken !== undefined && !sameSecret(String(request.headers["x-access-token"] ?? ""), envdToken)) {
    throw new ApiError(401, "unauthorized access, please provide a valid access token");
  }
  const [, service = "", name = ""] = url.pathname.split("/");
  const method = SERVICES[service]?.[name];
  await answerRpc(call, () => {
    const fault = faults.take("rpc-error", name);
    if (fault) throw new ConnectError(fault.code, fault.message ?? "injected");
    if (!method) throw new ConnectError("unimplemented", `${service}/${name} is not emulated`);
    return method(call);
  });
}

async function answerRpc({ request, response }: RpcCall, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    sendConnectError(request, response, error);
  }
}
