import { buffer } from "node:stream/consumers";
import { ApiError } from "./api-error.ts";
import { killBelow } from "./process-tree.ts";
import { readJson } from "./routes.ts";
import type { Toolbox, StartOptions } from "./toolbox.ts";
import type { ToolboxCall } from "./toolbox-api.ts";

/** `ExecuteRequest` of the toolbox's API; the time is in seconds. */
interface ExecuteRequest {
  readonly command?: string;
  readonly cwd?: string;
  readonly envs?: Readonly<Record<string, string>>;
  readonly timeout?: number;
}

/** `CodeRunRequest` of the toolbox's API. */
interface CodeRunRequest extends Omit<ExecuteRequest, "command" | "cwd"> {
  readonly code?: string;
  readonly language?: string;
  readonly argv?: readonly string[];
}

/** How a command ended, with both streams in one. */
interface Executed {
  readonly exitCode: number;
  readonly result: string;
}

const DAEMON = { source: "DAYTONA_DAEMON" } as const;
const MERGE = 'exec "$@" 2>&1';
const RUNNERS: Readonly<Record<string, readonly string[]>> = {
  python: ["python3", "-"],
  javascript: ["node", "-"],
  typescript: ["node", "--experimental-strip-types", "-"],
};

/** Has a shell read a command to its end. @throws 408 when that takes too long, 400 */
export async function executeCommand(call: ToolboxCall): Promise<Executed> {
  const { command = "", cwd, envs, timeout } = await readJson<ExecuteRequest>(call);
  if (command.trim() === "") throw new ApiError(400, "command cannot be empty or whitespace-only", DAEMON);
  const options = { cwd, env: envs, timeoutMs: toTimeoutMs(timeout, call.executeCapMs) };
  return run(call.toolbox, ["bash"], command, options);
}

/** Runs a program in one of three languages. @throws 408, 400 */
export async function runCode(call: ToolboxCall): Promise<Executed & { readonly artifacts: object }> {
  const { code = "", language = "python", argv = [], envs, timeout } = await readJson<CodeRunRequest>(call);
  const runner = RUNNERS[language];
  if (!runner) throw new ApiError(400, `unsupported language: ${language}`, DAEMON);
  const options = { env: envs, timeoutMs: toTimeoutMs(timeout, call.executeCapMs) };
  return { ...(await run(call.toolbox, [...runner, ...argv], code, options)), artifacts: { charts: [] } };
}

async function run(
  toolbox: Toolbox,
  argv: readonly string[],
  input: string,
  { timeoutMs, ...options }: StartOptions & { readonly timeoutMs: number },
): Promise<Executed> {
  toolbox.parts.onCommand(input);
  const process = await toolbox.start(["sh", "-c", MERGE, "sh", ...argv], options);
  process.stdin.on("error", () => {});
  process.stdin.end(input);
  process.stderr.resume();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    void killBelow(process.pid);
  }, timeoutMs);
  // What a command leaves behind holds its output open, and the answer is not given before.
  const [output, { code }] = await Promise.all([buffer(process.stdout), process.ended]);
  clearTimeout(timer);
  if (isLate) {
    throw new ApiError(408, "command execution timeout", { ...DAEMON, code: "PROCESS_EXECUTION_TIMEOUT" });
  }
  return { exitCode: code ?? -1, result: output.toString() };
}

function toTimeoutMs(seconds: number | undefined, capMs: number): number {
  return seconds ? Math.min(seconds * 1000, capMs) : capMs;
}
