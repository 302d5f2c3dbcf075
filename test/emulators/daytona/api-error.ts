import { STATUS_CODES } from "node:http";

/** What an error says besides its message. */
interface ErrorDetails {
  /** "FILE_NOT_FOUND" and the like; together with the source, the SDK makes a class of its own of some. */
  readonly code?: string;
  readonly source?: "DAYTONA_API" | "DAYTONA_DAEMON" | "DAYTONA_PROXY";
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal, as the service words it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly details: ErrorDetails;

  constructor(status: number, message: string, details: ErrorDetails = {}) {
    super(message);
    this.status = status;
    this.details = details;
  }
}

/** The body that goes with an error; the API's own and the daemon's in a sandbox have these fields in common. */
export function toErrorBody({ status, message, details }: ApiError, method: string, path: string): object {
  const { code, source } = details;
  return {
    statusCode: status,
    error: STATUS_CODES[status],
    message,
    code,
    source,
    method,
    path,
    timestamp: new Date(),
  };
}
