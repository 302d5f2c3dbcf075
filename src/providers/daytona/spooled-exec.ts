import type { Sandbox } from "@daytona/sdk";
import { randomBytes } from "node:crypto";
import { PassThrough } from "node:stream";
import type { Call } from "../../core/call.ts";
import type { Command, ExitStatus, Process } from "../../core/sandbox.ts";
import type { Machine } from "./machine.ts";
import { runHelper } from "./run-helper.ts";
import { startProcess } from "./start-process.ts";

const CLEAN_UP_TIMEOUT_MS = 10_000;
/** Up to this much output comes back as the command's own, which spares a call. */
const MOST_INLINE_BYTES = 32 * 1024;
const INLINE = "i".charCodeAt(0);

/**
 * Runs a command with its input and output in files, $1 and $2; $1 is empty for none. Says first whether the output follows
 * ("i") or is too much for a session's log, which takes it line by line ("f").
 */
const SPOOLED = `
in=$1 out=$2
shift 2
"$@" <"\${in:-/dev/null}" >"$out"
code=$?
if [ -n "$in" ]; then rm -f -- "$in"; fi
if [ "$(wc -c <"$out")" -le ${MOST_INLINE_BYTES} ]; then printf i; cat <"$out"; rm -f -- "$out"; else printf f; fi
# Told as what it was, not as this shell's own ending.
if [ "$code" -gt 128 ]; then kill "-$((code - 128))" $$; fi
exit "$code"
`;

/**
 * Starts a command of ours that moves an archive: what goes in is sent as one file, and the command starts when all of it is
 * there; what comes out is fetched as one file when the command has ended.
 */
export function createSpooledExec(machine: Machine): (command: Command, call: Call) => Promise<Process> {
  return async (command, call) => {
    call.signal.throwIfAborted();
    return new SpooledProcess(machine, command, call).process;
  };
}

/** Lives from the first byte of input to the last of output. */
class SpooledProcess {
  readonly process: Process;
  readonly #machine: Machine;
  readonly #command: Command;
  readonly #call: Call;
  readonly #path: string;
  readonly #input = new PassThrough();
  readonly #stdout = new PassThrough();
  readonly #stderr = new PassThrough();
  readonly #exit = Promise.withResolvers<ExitStatus>();
  /** Ends the upload of input that is not wanted any more. */
  readonly #uploading = new AbortController();
  #upload: Promise<void> | undefined;
  #running: Process | undefined;

  constructor(machine: Machine, command: Command, call: Call) {
    this.#machine = machine;
    this.#path = `${machine.layout.spool}/${randomBytes(8).toString("hex")}`;
    this.#command = command;
    this.#call = call;
    this.process = {
      stdout: this.#stdout,
      stderr: this.#stderr,
      exit: this.#exit.promise,
      write: (data) => this.#write(data),
      closeStdin: () => this.#start(),
      signal: (name) => this.#signal(name),
      resize: async () => {},
    };
  }

  async #write(data: Uint8Array): Promise<void> {
    this.#upload ??= this.#startUpload();
    if (this.#input.write(Buffer.from(data))) return;
    const drained = new Promise<void>((resolve) => {
      this.#input.once("drain", resolve);
    });
    await Promise.race([drained, this.#upload]);
  }

  #startUpload(): Promise<void> {
    const signal = AbortSignal.any([this.#call.signal, this.#uploading.signal]);
    const upload = this.#machine.sandbox.fs.uploadFileStream(this.#input, `${this.#path}.in`, { signal });
    upload.catch(() => {});
    return upload;
  }

  async #start(): Promise<void> {
    this.#input.end();
    try {
      await this.#upload;
      const input = this.#upload ? `${this.#path}.in` : "";
      const argv = ["/bin/sh", "-c", SPOOLED, "sandpiper", input, `${this.#path}.out`, ...this.#command.argv];
      this.#running = await startProcess(this.#machine, { ...this.#command, argv }, this.#call);
      await this.#running.closeStdin();
    } catch (error) {
      this.#end({ kind: "lost", reason: "The files could not be sent." });
      throw error;
    }
    void this.#relay(this.#running);
  }

  async #relay(running: Process): Promise<void> {
    try {
      await Promise.all([this.#relayOutput(running), pipe(running.stderr, this.#stderr)]);
      this.#end(await running.exit);
    } catch (error) {
      this.#end({ kind: "lost", reason: error instanceof Error ? error.message : String(error) });
    }
  }

  async #relayOutput(running: Process): Promise<void> {
    let kind: number | undefined;
    for await (const chunk of running.stdout) {
      const isFirst = kind === undefined;
      kind ??= chunk[0];
      await write(this.#stdout, isFirst ? chunk.subarray(1) : chunk);
    }
    if (kind === undefined || kind === INLINE) return;
    const { sandbox } = this.#machine;
    const file = await sandbox.fs.downloadFileStream(`${this.#path}.out`, { signal: this.#call.signal });
    await pipe(file, this.#stdout);
    void removeFile(sandbox, `${this.#path}.out`);
  }

  async #signal(name: "INT" | "TERM" | "KILL"): Promise<void> {
    if (this.#running) return this.#running.signal(name);
    this.#uploading.abort();
    this.#input.destroy();
    this.#end({ kind: "signaled", signal: `SIG${name}` });
  }

  #end(status: ExitStatus): void {
    this.#stdout.end();
    this.#stderr.end();
    this.#exit.resolve(status);
  }
}

/** Until either side is at its end. */
async function pipe(from: AsyncIterable<Uint8Array>, to: PassThrough): Promise<void> {
  for await (const chunk of from) {
    if (to.destroyed) return;
    await write(to, chunk);
  }
}

async function write(to: PassThrough, chunk: Uint8Array): Promise<void> {
  if (to.destroyed || to.write(chunk)) return;
  await new Promise<void>((resolve) => {
    to.once("drain", resolve);
    to.once("close", resolve);
  });
}

async function removeFile(sandbox: Sandbox, path: string): Promise<void> {
  await runHelper(sandbox, ["rm", "-f", "--", path], AbortSignal.timeout(CLEAN_UP_TIMEOUT_MS)).catch(() => {});
}
