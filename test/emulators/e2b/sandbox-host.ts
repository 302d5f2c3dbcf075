import type { Machine } from "../shared/machine.ts";
import type { NewSandbox, Template } from "./messages.ts";

/** What a sandbox is to what runs inside. */
export interface SandboxHost {
  readonly id: string;
  readonly parts: { readonly template: Template; readonly create: NewSandbox };
  /** @throws ApiError 502 when the sandbox does not run */
  machine(): Promise<Machine>;
}
