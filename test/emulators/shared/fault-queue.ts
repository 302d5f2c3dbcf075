/** Something that goes wrong with calls. Plain data, so that it can come from another process. */
interface AimedFault {
  readonly kind: string;
  /** What a call is named in the emulator's books, or "*" for any. */
  readonly method: string;
  /** How often it happens; once when absent. */
  readonly times?: number;
}

/** What is to go wrong next. */
export class FaultQueue<Fault extends AimedFault> {
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
    if (!found || !isOf<Fault, Kind>(kind, found.fault)) return undefined;
    found.times -= 1;
    if (found.times <= 0) this.#waiting.splice(index, 1);
    return found.fault;
  }
}

function isOf<Fault extends AimedFault, Kind extends Fault["kind"]>(
  kind: Kind,
  fault: Fault,
): fault is Extract<Fault, { kind: Kind }> {
  return fault.kind === kind;
}
