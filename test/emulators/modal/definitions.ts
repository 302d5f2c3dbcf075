import { randomUUID } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { CompatServiceDefinition } from "nice-grpc";

/** A message type of the SDK's, as ts-proto generates it. */
interface MessageType {
  encode(message: object): { finish(): Uint8Array };
  fromPartial(message: object): object;
}

/** Modal's wire protocol in exactly the version of the installed SDK. */
export interface ModalDefinitions {
  /** `modal.client.ModalClient`: accounts, images, sandboxes. */
  readonly controlPlane: CompatServiceDefinition;
  /** `modal.task_command_router.TaskCommandRouter`: what happens inside a sandbox. */
  readonly router: CompatServiceDefinition;
  /** `google.rpc.Status`, the content of the trailer `grpc-status-details-bin`. */
  readonly rpcStatus: MessageType;
  readonly retryPolicy: MessageType;
}

const BUNDLE = fileURLToPath(import.meta.resolve("modal"));
const EXPORTS = `
export { ModalClientDefinition as controlPlane, TaskCommandRouterDefinition as router };
export { RPCStatus as rpcStatus, RPCRetryPolicy as retryPolicy };
`;

/**
 * Reads the service definitions out of the installed SDK, which keeps them to itself: a copy of its bundle with more
 * exports is imported from beside it, where its own imports resolve, and deleted at once.
 */
export async function loadDefinitions(): Promise<ModalDefinitions> {
  const copy = `${BUNDLE.slice(0, -"index.js".length)}emulated-${randomUUID()}.mjs`;
  await writeFile(copy, (await readFile(BUNDLE, "utf8")) + EXPORTS);
  try {
    const bundle: unknown = await import(/* @vite-ignore */ pathToFileURL(copy).href);
    if (!isDefinitions(bundle)) throw new Error("The SDK's bundle has changed: look for its service definitions.");
    return bundle;
  } finally {
    await rm(copy, { force: true });
  }
}

function isDefinitions(bundle: unknown): bundle is ModalDefinitions {
  return typeof bundle === "object" && bundle !== null && "controlPlane" in bundle && "retryPolicy" in bundle;
}
