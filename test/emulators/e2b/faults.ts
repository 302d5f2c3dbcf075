import type { FaultQueue } from "../shared/fault-queue.ts";
import type { ConnectCode } from "./envd/connect-json.ts";

/**
 * `method` is what a call is named in the books: "CreateSandbox", "Start", "ReadFile", "Execute"; "*" is any. It happens
 * `times` times, once when absent.
 */
interface Aim {
  readonly method: string;
  readonly times?: number;
}

/** Something that goes wrong with calls. Plain data, so that it can come from another process. */
export type Fault = Aim &
  (
    | {
        readonly kind: "error";
        /** 400, 401, 403, 404, 429, 500, 502, 503, 507. */
        readonly status: number;
        readonly message?: string;
        /** Sent as Retry-After: the SDK waits for it at 429. */
        readonly retryAfterSecs?: number;
      }
    /** The daemon's own way to say it, for its methods: as an answer, or as the end of a stream. */
    | { readonly kind: "rpc-error"; readonly code: ConnectCode; readonly message?: string }
    | { readonly kind: "delay"; readonly ms: number }
    /** The connection is reset before anything is done. */
    | { readonly kind: "reset" }
    /** The work is done, and then the connection is reset. */
    | { readonly kind: "lose-answer" }
    /** The connection is reset after so many bytes of the answer. */
    | { readonly kind: "cut-stream"; readonly afterBytes: number }
    /** The connection stays open, and all that comes over it from now on fails with 500. */
    | { readonly kind: "poison-connection" }
    /** The sandbox that is asked for has gone without a word, long before its time. */
    | { readonly kind: "lose-sandbox" }
    /** What is below a path is gone after the resume; the method is ConnectSandbox or ResumeSandbox. */
    | { readonly kind: "lose-files"; readonly path: string }
    /** The resumed sandbox has its files and none of its processes; the method is ConnectSandbox or ResumeSandbox. */
    | { readonly kind: "lose-memory" }
  );

/** What is to go wrong next. */
export type Faults = FaultQueue<Fault>;
