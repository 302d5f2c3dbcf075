/** What a call fails with: an HTTP status and the message that the API's body carries. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  /** After how long to come again. */
  readonly retryAfterSecs: number | undefined;

  constructor(status: number, message: string, retryAfterSecs?: number) {
    super(message);
    this.status = status;
    this.retryAfterSecs = retryAfterSecs;
  }
}

/** As E2B says it. */
export function toNotFound(sandboxId: string): ApiError {
  return new ApiError(404, `Sandbox "${sandboxId}" doesn't exist or you don't have access to it`);
}
