import type { Container } from "dockerode";
import { SandboxError } from "../../core/sandbox-error.ts";
import { demultiplex } from "./demultiplex.ts";

/** Most of a helper's output that is kept. */
const MAX_OUTPUT_BYTES = 64 * 1024;

/**
 * Runs a short command of ours, unsupervised. Returns its stdout.
 * @throws {SandboxError} `unavailable` when it could not be started or failed
 */
export async function runHelper(container: Container, argv: readonly string[], signal: AbortSignal): Promise<string> {
  const options = { AttachStdout: true, AttachStderr: true, WorkingDir: "/", Cmd: [...argv] };
  const exec = await container.exec({ ...options, abortSignal: signal });
  const connection = await exec.start({ hijack: true, stdin: false, abortSignal: signal });
  const cut = (): void => void connection.destroy();
  signal.addEventListener("abort", cut, { once: true });
  const { stdout } = demultiplex(connection, false);
  let output = "";
  for await (const chunk of stdout) {
    if (output.length < MAX_OUTPUT_BYTES) output += Buffer.from(chunk).toString("utf8");
  }
  signal.removeEventListener("abort", cut);
  const { ExitCode: code } = await exec.inspect({ abortSignal: signal });
  if (code !== 0)
    throw new SandboxError("unavailable", `A helper command in the sandbox failed with code ${code}: ${output.trim()}`);
  return output;
}
