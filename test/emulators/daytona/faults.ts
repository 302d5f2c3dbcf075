import { FaultQueue } from "../shared/fault-queue.ts";

/** `method` is a route's name in the books ("POST /api/sandbox"), or "*" for any; it happens `times` times, once when absent. */
interface Aim {
  readonly method: string;
  readonly times?: number;
}

/** Something that goes wrong with calls. Plain data, so that it can come from another process. */
export type Fault = Aim &
  (
    | {
        readonly kind: "error";
        readonly status: number;
        readonly message?: string;
        readonly code?: string;
        readonly retryAfterSecs?: number;
      }
    | { readonly kind: "delay"; readonly ms: number }
    /** The connection ends before the call is looked at; with `reset` by ECONNRESET. */
    | { readonly kind: "cut"; readonly reset?: true }
    /** The work is done, and the connection ends. */
    | { readonly kind: "lose-answer" }
    /** The connection breaks after so many bytes of the answer, or of a socket's frames; heads count. */
    | { readonly kind: "cut-stream"; readonly afterBytes: number }
    /** The connection ends when nothing has come or gone for so long, as gateways do after 60 s. */
    | { readonly kind: "idle-timeout"; readonly ms: number }
    /** A sandbox does not start, and its state is "error"; aimed at what should start it. */
    | { readonly kind: "fail-start"; readonly reason: string }
    /** An image's build fails; aimed at what needs it. */
    | { readonly kind: "fail-build"; readonly reason: string }
    /** A snapshot's state becomes "error"; aimed at what should make it. */
    | { readonly kind: "fail-snapshot"; readonly reason: string }
  );

/** What is to go wrong next. */
export class Faults extends FaultQueue<Fault> {}
