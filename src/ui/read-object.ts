import type { ObjectStore } from "../snapshots/store/object-store.ts";
import type { StateFolder } from "../sessions/state-folder.ts";

/** Reads contents from the object store, which is loaded at the first reading. */
export function createReadObject(state: StateFolder): ObjectStore["read"] {
  let objects: ObjectStore | undefined;
  return async function* (sha256) {
    const { createObjectStore } = await import("../snapshots/store/object-store.ts");
    objects ??= createObjectStore(state.store);
    yield* objects.read(sha256);
  };
}
