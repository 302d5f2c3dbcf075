import { toAbsolute } from "../users.ts";
import { ConnectError, readMessage, sendMessage } from "./connect-json.ts";
import { watchDirectory } from "./directory-watch.ts";
import { readEntries, removePath } from "./file-tools.ts";
import { type RpcCall, type RpcMethod, toCaller } from "./rpc-call.ts";

interface Pathed {
  readonly path?: string;
}

/** `filesystem.Filesystem`, by the names of its methods. Watchers that are asked again and again are not there. */
export const FILESYSTEM_METHODS: Readonly<Record<string, RpcMethod>> = {
  async Stat(call) {
    const [entry] = await readEntries(call.sandbox, { operation: "stat", ...(await readPath(call)) });
    sendMessage(call.response, { entry });
  },
  async ListDir(call) {
    const user = toCaller(call.request);
    const { path = "", depth = 1 } = await readMessage<Pathed & { readonly depth?: number }>(call.request);
    const order = { operation: "list", path: resolve(path, user), other: String(depth || 1), user } as const;
    sendMessage(call.response, { entries: await readEntries(call.sandbox, order) });
  },
  async MakeDir(call) {
    const [entry] = await readEntries(call.sandbox, { operation: "make-dir", ...(await readPath(call)) });
    sendMessage(call.response, { entry });
  },
  async Move(call) {
    const user = toCaller(call.request);
    const { source, destination } = await readMessage<Record<"source" | "destination", string>>(call.request);
    const paths = { path: resolve(source, user), other: resolve(destination, user) };
    const [entry] = await readEntries(call.sandbox, { operation: "move", ...paths, user });
    sendMessage(call.response, { entry });
  },
  async Remove(call) {
    const { path, user } = await readPath(call);
    await removePath(call.sandbox, path, user);
    sendMessage(call.response, {});
  },
  WatchDir: watchDirectory,
};

async function readPath({ request }: RpcCall): Promise<{ path: string; user: ReturnType<typeof toCaller> }> {
  const user = toCaller(request);
  const { path = "" } = await readMessage<Pathed>(request);
  return { path: resolve(path, user), user };
}

function resolve(given: string, user: Parameters<typeof toAbsolute>[1]): string {
  try {
    return toAbsolute(given, user);
  } catch (error) {
    throw new ConnectError("invalid_argument", error instanceof Error ? error.message : "");
  }
}
