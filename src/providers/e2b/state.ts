import type { Sandbox as SdkSandbox, SandboxInfo } from "@e2b/code-interpreter";
import { abortable } from "../abortable.ts";
import { isNotFound } from "./to-sandbox-error.ts";

/** Asks E2B about a sandbox. */
type Ask = (options: { readonly signal: AbortSignal }) => Promise<SandboxInfo>;

/** What E2B knows of a sandbox; undefined when that is nothing (any more). */
export async function readInfo(ask: Ask, signal: AbortSignal): Promise<SandboxInfo | undefined> {
  try {
    return await abortable(ask({ signal }), signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Whether it certainly does not run any more: it ended, or it is paused. */
export async function isGone(sandbox: SdkSandbox, signal: AbortSignal): Promise<boolean> {
  try {
    const info = await readInfo((options) => sandbox.getInfo(options), signal);
    return info?.state !== "running";
  } catch {
    return false;
  }
}
