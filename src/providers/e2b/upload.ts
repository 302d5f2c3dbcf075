import { randomBytes } from "node:crypto";
import { abortable } from "../abortable.ts";
import type { Upload } from "../posix/workspace-files.ts";
import { FOLDERS, USER } from "./layout.ts";
import type { Machine, Work } from "./machine.ts";
import { runHelper } from "./run-helper.ts";

const REMOVE_TIMEOUT_MS = 10_000;

/** An archive as one request, as it is; the stdin of a command takes a call and a third more bytes per megabyte. */
export function createUpload({ sandbox }: Machine, work: Work): Upload {
  return async (archive, call) => {
    // Begins as the folders for files on their way in do, which are removed when the next one comes.
    const path = `${FOLDERS.private}/staging.${randomBytes(8).toString("hex")}`;
    const source = watchFailure(archive);
    const sending = new AbortController();
    const signal = AbortSignal.any([call.signal, sending.signal]);
    const options = { user: USER, useOctetStream: true, requestTimeoutMs: 0, signal };
    try {
      await work(call, () => abortable(sandbox.files.write(path, ReadableStream.from(source), options), call.signal));
      return path;
    } catch (error) {
      sending.abort();
      await runHelper(sandbox, ["rm", "-f", path], AbortSignal.timeout(REMOVE_TIMEOUT_MS)).catch(() => {});
      // What the archive's own source throws is the caller's, and not E2B's failure that came of it.
      throw source.failure?.error ?? error;
    }
  };
}

interface Watched extends AsyncIterable<Uint8Array> {
  /** What the source threw. */
  failure?: { readonly error: unknown };
}

function watchFailure(source: AsyncIterable<Uint8Array>): Watched {
  const watched: Watched = {
    async *[Symbol.asyncIterator]() {
      try {
        yield* source;
      } catch (error) {
        watched.failure = { error };
        throw error;
      }
    },
  };
  return watched;
}
