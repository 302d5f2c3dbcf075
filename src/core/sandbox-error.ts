/**
 * What went wrong, as the remedy it asks for: `auth` sign in, `quota` wait or free something, `capacity` take another GPU
 * or wait until the provider has one, `not-found` start again, `conflict` choose, `unsupported` take another provider,
 * `unavailable` mend the environment or retry, `invalid` fix the input or setting, `blocked` a policy said no (trust,
 * secrets, budget, network).
 */
export type ErrorCode =
  | "auth"
  | "quota"
  | "capacity"
  | "not-found"
  | "conflict"
  | "unsupported"
  | "unavailable"
  | "invalid"
  | "blocked";

/**
 * The only error type that crosses a module boundary; anything else is a bug. The message is one a user can act on:
 * what happened and what to do next. It never holds credentials or file contents.
 */
export class SandboxError extends Error {
  override readonly name = "SandboxError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The message of anything thrown, for people. */
export function toMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
