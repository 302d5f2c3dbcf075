import type { Status } from "nice-grpc";

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
export class Faults {
  readonly #waiting: { readonly fault: Fault; times: number }[] = [];

  /** Adds one; those for the same method happen in the order in which they came. */
  inject(fault: Fault): void {
    this.#waiting.push({ fault, times: fault.times ?? 1 });
  }

  /** Forgets those that have not happened. */
  clear(): void {
    this.#waiting.length = 0;
  }

  /** The next of one kind for a call of `method`, used up by it. */
  take<Kind extends Fault["kind"]>(kind: Kind, method: string): Extract<Fault, { kind: Kind }> | undefined {
    const index = this.#waiting.findIndex(
      ({ fault }) => fault.kind === kind && (fault.method === method || fault.method === "*"),
    );
    const found = this.#waiting[index];
    if (!found || !isOf(kind, found.fault)) return undefined;
    found.times -= 1;
    if (found.times <= 0) this.#waiting.splice(index, 1);
    return found.fault;
  }
}

function isOf<Kind extends Fault["kind"]>(kind: Kind, fault: Fault): fault is Extract<Fault, { kind: Kind }> {
  return fault.kind === kind;
}
