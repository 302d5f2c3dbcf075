/** Runs tasks one after the other, in the order they came; see {@link createLock}. */
export type Lock = <T>(task: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

/** A task whose signal is aborted before its turn rejects at once with the reason and never starts. */
export function createLock(): Lock {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
    const turn = last.then(() => {
      signal?.throwIfAborted();
      return task();
    });
    last = turn.catch(() => undefined);
    return signal ? withAbort(turn, signal) : turn;
  };
}

/** Locks by name, made on demand. */
export function createLocks(): (name: string) => Lock {
  const locks = new Map<string, Lock>();
  return (name) => {
    const lock = locks.get(name) ?? createLock();
    locks.set(name, lock);
    return lock;
  };
}

/** Settles as `promise` does, or rejects with the signal's reason when that comes first. */
export function withAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
