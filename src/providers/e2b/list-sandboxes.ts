import type { SandboxInfo, SandboxListOpts } from "@e2b/code-interpreter";
import type { Call } from "../../core/call.ts";
import { abortable } from "../abortable.ts";
import { withRetries } from "./retry.ts";

type Listed = Pick<SandboxInfo, "sandboxId" | "metadata" | "state" | "startedAt" | "endAt">;

/** What is used of the SDK's class: a list that comes in pages. */
interface SandboxPages {
  list(options: SandboxListOpts): {
    readonly hasNext: boolean;
    nextItems(options: { readonly signal: AbortSignal }): Promise<readonly Listed[]>;
  };
}

/** The running and paused sandboxes of an account that have that metadata. */
export async function* listSandboxes(
  sandboxes: SandboxPages,
  metadata: Readonly<Record<string, string>>,
  call: Call,
): AsyncGenerator<Listed> {
  const pages = sandboxes.list({ query: { metadata: { ...metadata }, state: ["running", "paused"] } });
  while (pages.hasNext) {
    call.signal.throwIfAborted();
    const { signal } = call;
    yield* await withRetries(call, () => abortable(pages.nextItems({ signal }), signal));
  }
}
