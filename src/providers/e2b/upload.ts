import { randomBytes } from "node:crypto";
import { abortable } from "../abortable.ts";
import type { Upload } from "../posix/workspace-files.ts";
import { FOLDERS, USER } from "./layout.ts";
import type { Machine, Work } from "./machine.ts";
import { runHelper } from "./run-helper.ts";

const REMOVE_TIMEOUT_MS = 10_000;

/** An archive as one request, as it is; the stdin of a command takes a call and a third more bytes per megabyte. */
export function createUpload({ sandbox }: Machine, work: Work): Upload {
  return (archive, call) =>
    work(call, async () => {
      // Begins as the folders for files on their way in do, which are removed when the next one comes.
      const path = `${FOLDERS.private}/staging.${randomBytes(8).toString("hex")}`;
      const sending = new AbortController();
      const signal = AbortSignal.any([call.signal, sending.signal]);
      try {
        const options = { user: USER, useOctetStream: true, requestTimeoutMs: 0, signal };
        await abortable(sandbox.files.write(path, toStream(archive), options), call.signal);
        return path;
      } catch (error) {
        sending.abort();
        await runHelper(sandbox, ["rm", "-f", path], AbortSignal.timeout(REMOVE_TIMEOUT_MS)).catch(() => {});
        throw error;
      }
    });
}

function toStream(archive: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  return ReadableStream.from(archive);
}
