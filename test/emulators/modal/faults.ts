import type { Status } from "nice-grpc";
import type { FaultQueue } from "../shared/fault-queue.ts";

/** `method` is an RPC's name in the protocol ("SandboxCreateV2"), or "*" for any; it happens `times` times, once when absent. */
interface Aim {
  readonly method: string;
  readonly times?: number;
}

/** Something that goes wrong with calls. Plain data, so that it can come from another process. */
export type Fault = Aim &
  (
    | {
        readonly kind: "error";
        readonly code: keyof typeof Status;
        readonly details?: string;
        /** Tells the SDK, in the trailer, to try again after so long. */
        readonly retryAfterSecs?: number;
      }
    | { readonly kind: "delay"; readonly ms: number }
    /** The work is done, and the client hears UNAVAILABLE. */
    | { readonly kind: "lose-answer" }
    /** The answer's stream breaks with UNAVAILABLE after so many bytes of data. */
    | { readonly kind: "cut-stream"; readonly afterBytes: number }
    /** A sandbox's exit snapshot turns out to be lost for good; the method is SandboxGetExitSnapshotV2. */
    | { readonly kind: "lose-exit-snapshot" }
    /** An image's build fails; the method is ImageGetOrCreate. */
    | { readonly kind: "fail-build"; readonly exception: string }
  );

/** What is to go wrong next. */
export type Faults = FaultQueue<Fault>;
