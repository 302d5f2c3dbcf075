import type { Sandbox } from "modal";
import type { Call } from "../../core/call.ts";
import { runHelper } from "./run-helper.ts";
import { HAS_PERL_COMMAND, readSetup } from "./setup-script.ts";
import type { SandboxFacts } from "./tags.ts";

/** A running sandbox as the parts of this provider share it. */
export interface Machine {
  readonly sandbox: Sandbox;
  readonly facts: SandboxFacts;
  /** Aborted when we have destroyed it. */
  readonly destroyed: AbortSignal;
  /** Whether it has perl; asked once, at the first need. */
  readonly hasPerl: (signal: AbortSignal) => Promise<boolean>;
}

/** Keeps the answer, unless there was none. */
export function createPerlQuestion(sandbox: Sandbox, known?: boolean): Machine["hasPerl"] {
  let answer = known === undefined ? undefined : Promise.resolve(known);
  return (signal) => {
    answer ??= runHelper(sandbox, HAS_PERL_COMMAND, signal).then((said) => said !== "" && readSetup(said).hasPerl);
    answer.catch(() => {
      answer = undefined;
    });
    return answer;
  };
}

/** Runs something on a sandbox; a failure because it is gone is told as that, whatever the SDK makes of it. */
export type Work = <T>(call: Call, work: () => Promise<T>) => Promise<T>;
