import type { Provider } from "../../core/provider.ts";
import { SandboxError } from "../../core/sandbox-error.ts";
import type { BatchPlan } from "../cloud-records.ts";
import type { RunRequest, Target } from "../records.ts";

const MOST_RUNS = 10_000;

/** @throws {SandboxError} `invalid` when that is nothing to run many times */
export function checkBatch({ command }: RunRequest, { count, concurrency }: BatchPlan): void {
  if (command.kind === "shell")
    throw new SandboxError("invalid", "An interactive shell cannot be run many times. Name a file or a command.");
  if (command.kind === "cell")
    throw new SandboxError(
      "invalid",
      "A cell goes on from others, so it cannot be run many times. Run the file instead.",
    );
  if (!Number.isInteger(count) || count < 1 || count > MOST_RUNS)
    throw new SandboxError("invalid", `The number of runs has to be between 1 and ${MOST_RUNS}; it is ${count}.`);
  if (concurrency !== undefined && (!Number.isInteger(concurrency) || concurrency < 1))
    throw new SandboxError("invalid", `At least one run at once is needed; asked for were ${concurrency}.`);
}

/** Sandboxes at once on the target, as its option `maxConcurrent` or else its provider has it; undefined when neither says. */
export function toSandboxLimit({ options }: Target, provider: Provider): number | undefined {
  const text = options["maxConcurrent"];
  if (text === undefined || text === "") return provider.maxConcurrentSandboxes;
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new SandboxError("invalid", 'The option "maxConcurrent" has to be a whole number above 0.');
}
