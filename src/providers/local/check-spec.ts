import type { SandboxSpec } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import { checkSpec, refuseAllowList } from "../check-spec.ts";

const LEAST_MEMORY_MIB = 16;

/** @throws {SandboxError} `invalid` or `unsupported`, naming the field, when no local sandbox can be as `spec` says. */
export function checkLocalSpec(spec: SandboxSpec): void {
  checkSpec(spec, LEAST_MEMORY_MIB);
  if (spec.gpu) throw new SandboxError("unsupported", "Local sandboxes have no GPU. Choose another provider for one.");
  refuseAllowList(spec, "Local sandboxes");
  if (spec.image)
    throw new SandboxError(
      "unsupported",
      "Local sandboxes have no images: they show this machine's programs. Leave the image out or choose Docker.",
    );
}
