import type { SandboxInfo } from "@e2b/code-interpreter";
import type { Call } from "../../core/call.ts";
import { abortable } from "../abortable.ts";
import type { Account } from "./account.ts";
import { withRetries } from "./retry.ts";

type Listed = Pick<SandboxInfo, "sandboxId" | "metadata" | "state" | "startedAt" | "endAt">;

/** The running and paused sandboxes of an account that have that metadata, page by page. */
export async function* listSandboxes(
  { client }: Account,
  metadata: Readonly<Record<string, string>>,
  call: Call,
): AsyncGenerator<Listed> {
  const pages = client.Sandbox.list({ query: { metadata: { ...metadata }, state: ["running", "paused"] } });
  while (pages.hasNext) {
    call.signal.throwIfAborted();
    const { signal } = call;
    yield* await withRetries(call, () => abortable(pages.nextItems({ signal }), signal));
  }
}
