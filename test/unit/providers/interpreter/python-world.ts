import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Call } from "../../../../src/core/call.ts";
import type { CellOutput, CellProcess, Interpreter } from "../../../../src/core/interpreter.ts";
import { silentLogger } from "../../../../src/core/logger.ts";
import type { Command, ExitStatus, Process, Sandbox } from "../../../../src/core/sandbox.ts";
import { createDriverInterpreter } from "../../../../src/providers/posix/interpreter/driver-interpreter.ts";
import { toArray } from "../../../contract/run-to-end.ts";
import { FakeProvider } from "../../../fakes/fake-provider.ts";

/** What a cell came to. */
export interface CellResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly outputs: readonly CellOutput[];
  readonly exit: ExitStatus;
}

/** A call that nobody aborts but the clock. */
export function newCall(): Call {
  return { signal: AbortSignal.timeout(20_000), logger: silentLogger };
}

/** A workspace with this machine's Python behind the driver, and one context in it. */
export class PythonWorld {
  readonly #folder: string;
  readonly sandbox: Sandbox;
  readonly interpreter: Interpreter;
  readonly contextId: string;

  private constructor(folder: string, sandbox: Sandbox, interpreter: Interpreter, contextId: string) {
    this.#folder = folder;
    this.sandbox = sandbox;
    this.interpreter = interpreter;
    this.contextId = contextId;
  }

  /** @param change what is run in place of the driver's own command */
  static async open(change: (command: Command) => Command = (command) => command): Promise<PythonWorld> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), "sandpiper-python-")));
    const spec = { name: "python", labels: {}, network: "none", memoryMiB: 512, cpus: 1, maxProcesses: 100 } as const;
    const rest = { diskMiB: 512, lifetimeMs: 600_000, env: {} };
    const sandbox = await new FakeProvider(folder).create({ ...spec, ...rest }, newCall());
    const exec = (command: Command, call: Call): Promise<Process> => sandbox.exec(change(command), call);
    const interpreter = createDriverInterpreter(exec, sandbox.workspace);
    const { id } = await interpreter.createContext({ language: "python" }, newCall());
    return new PythonWorld(folder, sandbox, interpreter, id);
  }

  async write(path: string, text: string): Promise<void> {
    const file = join(this.sandbox.workspace, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }

  /** @param path the file that the code stands in */
  async start(code: string, path?: string): Promise<CellProcess> {
    const cell = { contextId: this.contextId, code, ...(path === undefined ? {} : { path }) };
    return await this.interpreter.run(cell, newCall());
  }

  async run(code: string, path?: string): Promise<CellResult> {
    return await readCell(await this.start(code, path));
  }

  /** The forms of what a cell shows. */
  async show(code: string): Promise<readonly Readonly<Record<string, string>>[]> {
    const { outputs, stderr } = await this.run(code);
    if (stderr !== "") throw new Error(stderr);
    return outputs.flatMap((output) => (output.kind === "result" ? [output.data] : []));
  }

  async close(): Promise<void> {
    await this.sandbox.destroy(newCall());
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Reads a cell to its end. */
export async function readCell(cell: CellProcess): Promise<CellResult> {
  const [stdout, stderr, outputs] = await Promise.all([
    toArray(cell.stdout),
    toArray(cell.stderr),
    toArray(cell.outputs),
  ]);
  const [out, err] = [stdout, stderr].map((chunks) => Buffer.concat(chunks).toString("utf8"));
  return { stdout: out ?? "", stderr: err ?? "", outputs, exit: await cell.exit };
}
