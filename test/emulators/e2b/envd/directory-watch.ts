import { once } from "node:events";
import { type FSWatcher, existsSync, watch } from "node:fs";
import path from "node:path";
import { toAbsolute } from "../users.ts";
import { endStream, readMessage, sendPart } from "./connect-json.ts";
import { resolveFolder } from "./file-tools.ts";
import { type RpcCall, keepAlive, toCaller, toTimeout } from "./rpc-call.ts";

interface WatchRequest {
  readonly path: string;
  readonly recursive?: boolean;
}

/**
 * Tells of what changes in a folder, by the host's watch on it. What is told apart is whether something has come, gone or
 * changed: a renaming is a removal and a creation, a change of the mode is a writing, and no entry is described.
 */
export async function watchDirectory(call: RpcCall): Promise<void> {
  const { sandbox, request, response } = call;
  const user = toCaller(request);
  const { path: given, recursive = false } = await readMessage<WatchRequest>(request);
  const folder = path.join(sandbox.root, await resolveFolder(sandbox, toAbsolute(given, user), user));
  const watcher = watch(folder, { recursive }, (event, name) => {
    if (name !== null) sendPart(response, { filesystem: { name, type: toType(event, path.join(folder, name)) } });
  });
  watcher.on("error", () => endStream(response));
  sendPart(response, { start: {} });
  await untilOver(watcher, call);
}

function toType(event: string, file: string): string {
  if (event === "change") return "EVENT_TYPE_WRITE";
  return existsSync(file) ? "EVENT_TYPE_CREATE" : "EVENT_TYPE_REMOVE";
}

async function untilOver(watcher: FSWatcher, { request, response }: RpcCall): Promise<void> {
  const stop = keepAlive(request, () => sendPart(response, { keepalive: {} }));
  const timeoutMs = toTimeout(request);
  const fail = () => endStream(response, { error: { code: "deadline_exceeded", message: "the time is up" } });
  const timer = timeoutMs === undefined ? undefined : setTimeout(fail, timeoutMs);
  await once(response, "close");
  clearTimeout(timer);
  stop();
  watcher.close();
}
