import { afterAll, beforeAll, expect, it } from "vitest";
import type { Cell, CellOutput, CodeContext, Interpreter } from "../../src/core/interpreter.ts";
import type { ExitStatus, Sandbox } from "../../src/core/sandbox.ts";
import type { ContractSubject } from "./contract-subject.ts";
import { newCall, runToEnd, toArray } from "./run-to-end.ts";

/** What a cell said, and how it ended. */
interface EndedCell {
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly outputs: readonly CellOutput[];
  readonly exit: ExitStatus;
}

/** The promises of core/interpreter.ts, with Python. */
export function testInterpreterContract(open: () => Sandbox, { cannot }: ContractSubject): void {
  let context: CodeContext;
  const quoted = (text: string): string => (cannot?.quoteCellText === undefined ? `'${text}'` : text);
  const interpreter = (): Interpreter => toInterpreter(open());
  const run = (code: string, cell: Partial<Cell> = {}): Promise<EndedCell> =>
    runCell(interpreter(), { contextId: context.id, code, ...cell });

  beforeAll(async () => {
    context = await interpreter().createContext({ language: "python" }, newCall());
  });
  afterAll(async () => {
    await interpreter().removeContext(context.id, newCall());
  });

  it("knows Python, and lists a context that was made", async () => {
    expect(interpreter().languages).toContain("python");
    expect(await interpreter().listContexts(newCall())).toContainEqual(context);
  });

  it("keeps state from one cell to the next, and counts them", async () => {
    const first = await run("x = 20\ndef double(n): return n * 2");
    const second = await run("double(x) + 2");

    expect(first.exit).toEqual({ kind: "exited", code: 0 });
    expect(plainOf(second)).toEqual(["42"]);
    expect(countOf(second) - countOf(first)).toBe(1);
  });

  it("tells the value of the last expression from what is shown before it, in order", async () => {
    const { outputs } = await run("display('one'); display(2)\n'three'");

    const results = outputs.filter(({ kind }) => kind === "result");
    expect(plainOf({ outputs })).toEqual([quoted("one"), "2", quoted("three")]);
    expect(results.map((result) => result.kind === "result" && result.isMain)).toEqual([false, false, true]);
  });

  it("shows nothing for a cell without a value", async () => {
    expect(plainOf(await run("y = 1"))).toEqual([]);
    expect(plainOf(await run("None"))).toEqual([]);
    expect(plainOf(await run("# nothing but words"))).toEqual([]);
  });

  it("shows a value in every form that it has", async () => {
    const { outputs } = await run(
      [
        "class Thing:",
        "    def __repr__(self): return 'thing'",
        "    def _repr_html_(self): return '<b>thing</b>'",
        "    def _repr_svg_(self): return '<svg/>'",
        "    def _repr_png_(self): return b'\\x89PNG'",
        "Thing()",
      ].join("\n"),
    );

    expect(outputs.find(({ kind }) => kind === "result")).toMatchObject({
      data: {
        "text/plain": "thing",
        "text/html": "<b>thing</b>",
        "image/svg+xml": "<svg/>",
        "image/png": Buffer.from("\x89PNG", "latin1").toString("base64"),
      },
    });
  });

  it("keeps text as it is, each stream by itself, whoever writes it", async () => {
    const code = [
      "import subprocess, sys",
      "print('é→😀\\ttab\\x00', end='', flush=True)",
      "print('to stderr', file=sys.stderr)",
      "code = subprocess.call(['sh', '-c', 'echo from a process; echo its errors >&2'])",
    ].join("\n");

    const { stdout, stderr, outputs } = await run(code);

    expect(stdout.toString("utf8")).toBe("é→😀\ttab\0from a process\n");
    expect(stderr).toBe("to stderr\nits errors\n");
    expect(plainOf({ outputs })).toEqual([]);
  });

  it("keeps bytes that are no text", async () => {
    if (cannot?.keepCellBytes !== undefined) return expect(cannot.keepCellBytes).not.toBe("");
    const { stdout } = await run("import os\nwritten = os.write(1, bytes(range(256)))");

    expect([...stdout]).toEqual(Array.from({ length: 256 }, (_, byte) => byte));
  });

  it("brings 5 MiB of output whole and in order", async () => {
    const { stdout, exit } = await run("for i in range(327680): print('%015d' % i)");

    expect(exit).toEqual({ kind: "exited", code: 0 });
    expect(stdout.length).toBe(5 * 1024 ** 2);
    const numbers = stdout.toString("latin1").trimEnd().split("\n");
    expect(numbers.every((number, at) => Number(number) === at)).toBe(true);
  });

  it("brings a result of 5 MiB whole", async () => {
    const { outputs } = await run(
      "class Large:\n    def _repr_html_(self): return 'x' * (5 << 20)\n    def __repr__(self): return 'large'\nLarge()",
    );

    const result = outputs.find(({ kind }) => kind === "result");
    expect(result?.kind === "result" && result.data["text/html"]?.length).toBe(5 * 1024 ** 2);
  });

  it("tells what the code raised, as an output and on stderr, and goes on", async () => {
    const { exit, stderr, outputs } = await run("def fail():\n    raise ValueError('no good')\nfail()");

    expect(exit).toEqual({ kind: "exited", code: 1 });
    const error = outputs.find(({ kind }) => kind === "error");
    expect(error).toMatchObject({ name: "ValueError", value: "no good" });
    expect(error?.kind === "error" && error.traceback).toMatch(/fail[^]*ValueError: no good/);
    expect(error?.kind === "error" && error.traceback).not.toContain("\u001B");
    expect(stderr).toContain("ValueError: no good");
    expect(plainOf(await run("1 + 1"))).toEqual(["2"]);
  });

  it("tells of code that is no Python", async () => {
    const { exit, outputs } = await run("x = = 1");

    expect(exit).toEqual({ kind: "exited", code: 1 });
    expect(outputs.find(({ kind }) => kind === "error")).toMatchObject({ name: "SyntaxError" });
  });

  it("interrupts a cell, and keeps its context", async () => {
    await run("kept = 'still here'");
    const cell = await interpreter().run(
      { contextId: context.id, code: "import time\nprint('begun', flush=True)\ntime.sleep(60)" },
      newCall(),
    );
    const ended = readCell(cell, (text) => {
      if (text.includes("begun")) void cell.signal("INT");
    });

    const { exit, outputs } = await ended;

    expect(exit).toEqual({ kind: "exited", code: 1 });
    expect(outputs.find(({ kind }) => kind === "error")).toMatchObject({ name: "KeyboardInterrupt" });
    expect(plainOf(await run("kept"))).toEqual([quoted("still here")]);
  });

  it("gives a cell its own environment, and takes it back", async () => {
    const env = { ONLY_HERE: "yes" };
    const code = "import os\nos.environ.get('ONLY_HERE'), os.environ.get('FROM_SPEC')";

    expect(plainOf(await run(code, { env }))).toEqual(["('yes', 'yes')"]);
    expect(plainOf(await run(code))).toEqual(["(None, 'yes')"]);
  });

  it("works on the files of the workspace", async () => {
    await run("open('from-cell.txt', 'w').write('made in a cell')");

    expect((await runToEnd(open(), ["cat", "from-cell.txt"])).stdout).toBe("made in a cell");
  });

  it("starts in the folder that it is told to", async () => {
    await runToEnd(open(), ["mkdir", "-p", "deep/down"]);
    const { id } = await interpreter().createContext({ language: "python", cwd: "deep/down" }, newCall());

    const { outputs } = await runCell(interpreter(), { contextId: id, code: "import os\nos.getcwd()" });

    expect(plainOf({ outputs })).toEqual([quoted(`${open().workspace}/deep/down`)]);
    await interpreter().removeContext(id, newCall());
  });

  it("keeps contexts apart, and runs them at the same time", async () => {
    const other = await interpreter().createContext({ language: "python" }, newCall());
    await run("x = 'first'");
    const waiting = await interpreter().run(
      { contextId: context.id, code: "import os, time\nwhile not os.path.exists('go-on'): time.sleep(0.01)" },
      newCall(),
    );
    const ended = readCell(waiting);

    const there = await runCell(interpreter(), {
      contextId: other.id,
      code: "open('go-on', 'w').close()\n'x' in globals()",
    });

    expect(plainOf(there)).toEqual(["False"]);
    expect((await ended).exit).toEqual({ kind: "exited", code: 0 });
    await interpreter().removeContext(other.id, newCall());
    expect(await interpreter().listContexts(newCall())).not.toContainEqual(other);
  });

  it("runs the cells of one context one after the other", async () => {
    const slow = await interpreter().run(
      { contextId: context.id, code: "import time\ntime.sleep(0.3)\norder = ['slow']" },
      newCall(),
    );
    const quick = run("order + ['quick']");

    expect((await readCell(slow)).exit).toEqual({ kind: "exited", code: 0 });
    expect(plainOf(await quick)).toEqual(["['slow', 'quick']"]);
  });

  it("forgets a context's state when it is restarted, and keeps its id", async () => {
    await run("x = 1");

    await interpreter().restartContext(context.id, newCall());

    const { exit, outputs } = await run("x");
    expect(exit).toEqual({ kind: "exited", code: 1 });
    expect(outputs.find(({ kind }) => kind === "error")).toMatchObject({ name: "NameError" });
    expect(countOf({ outputs })).toBe(1);
  });

  it("ends a cell as lost when its context is restarted under it", async () => {
    const cell = await interpreter().run(
      { contextId: context.id, code: "import time\nprint('begun', flush=True)\ntime.sleep(60)" },
      newCall(),
    );
    const begun = Promise.withResolvers<void>();
    const ended = readCell(cell, (text) => text.includes("begun") && begun.resolve());
    await begun.promise;

    await interpreter().restartContext(context.id, newCall());

    expect((await ended).exit).toMatchObject({ kind: "lost" });
    expect(plainOf(await run("'new'"))).toEqual([quoted("new")]);
  });

  it("ends a cell as lost when its process dies, and can be restarted then", async () => {
    const { exit } = await run("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)");

    expect(exit.kind === "lost" && exit.reason).toMatch(/\w/);
    await interpreter().restartContext(context.id, newCall());
    expect(plainOf(await run("'again'"))).toEqual([quoted("again")]);
  });

  it("ends a cell when it is aborted", async () => {
    const { id } = await interpreter().createContext({ language: "python" }, newCall());
    const aborting = new AbortController();
    const call = { ...newCall(), signal: aborting.signal };
    const cell = await interpreter().run(
      { contextId: id, code: "import time\nprint('begun', flush=True)\nwhile True: time.sleep(60)" },
      call,
    );

    const { exit } = await readCell(cell, (text) => text.includes("begun") && aborting.abort());

    expect(exit.kind === "exited" && exit.code === 0).toBe(false);
    expect((await runToEnd(open(), ["echo", "usable"])).stdout).toBe("usable\n");
    await interpreter().removeContext(id, newCall());
  });

  it("knows no context that there is not, and removes one twice without a word", async () => {
    const gone = await interpreter().createContext({ language: "python" }, newCall());
    await interpreter().removeContext(gone.id, newCall());
    await interpreter().removeContext(gone.id, newCall());

    await expect(interpreter().run({ contextId: gone.id, code: "1" }, newCall())).rejects.toMatchObject({
      code: "not-found",
    });
    await expect(interpreter().restartContext(gone.id, newCall())).rejects.toMatchObject({ code: "not-found" });
  });

  it("says which languages it does not run", async () => {
    await expect(interpreter().createContext({ language: "cobol" }, newCall())).rejects.toMatchObject({
      code: "unsupported",
    });
  });
}

function toInterpreter(sandbox: Sandbox): Interpreter {
  if (!sandbox.interpreter) throw new Error("This sandbox has no interpreter.");
  return sandbox.interpreter;
}

async function runCell(interpreter: Interpreter, cell: Cell): Promise<EndedCell> {
  return await readCell(await interpreter.run(cell, newCall()));
}

/** @param onText called with all of stdout so far whenever more of it comes */
async function readCell(
  cell: Awaited<ReturnType<Interpreter["run"]>>,
  onText: (text: string) => void = () => undefined,
): Promise<EndedCell> {
  const readStdout = async (): Promise<Buffer> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of cell.stdout) {
      chunks.push(chunk);
      if (chunks.length < 100) onText(Buffer.concat(chunks).toString("utf8"));
    }
    return Buffer.concat(chunks);
  };
  const [stdout, stderr, outputs, exit] = await Promise.all([
    readStdout(),
    toArray(cell.stderr),
    toArray(cell.outputs),
    cell.exit,
  ]);
  return { stdout, stderr: Buffer.concat(stderr).toString("utf8"), outputs, exit };
}

function plainOf({ outputs }: Pick<EndedCell, "outputs">): readonly (string | undefined)[] {
  return outputs.flatMap((output) => (output.kind === "result" ? [output.data["text/plain"]] : []));
}

function countOf({ outputs }: Pick<EndedCell, "outputs">): number {
  const count = outputs.find(({ kind }) => kind === "count");
  return count?.kind === "count" ? count.count : Number.NaN;
}
