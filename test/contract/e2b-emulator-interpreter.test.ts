import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type E2bEmulator, startE2bEmulator } from "../emulators/e2b/e2b-emulator.ts";
import { type ConnectedSdk, type SdkSandbox, connectSdk, run } from "../emulators/e2b/sdk.ts";

let emulator: E2bEmulator;
let sdk: ConnectedSdk;
let sandbox: SdkSandbox;

beforeAll(async () => {
  emulator = await startE2bEmulator();
  sdk = connectSdk(emulator);
  sandbox = await sdk.newSandbox({ envs: { OF_SANDBOX: "one" } });
});

afterAll(() => emulator.close());

describe("Python code in the emulated E2B", () => {
  it("has the value of its last line, what it prints, and a number", async () => {
    const context = await sandbox.createCodeContext();
    const first = await sandbox.runCode("import sys\nx = 41\nprint('out')\nprint('err', file=sys.stderr)", { context });
    const second = await sandbox.runCode("x + 1", { context });

    expect(first.logs).toEqual({ stdout: ["out\n"], stderr: ["err\n"] });
    expect([first.text, first.executionCount]).toEqual([undefined, 1]);
    expect([second.text, second.executionCount]).toEqual(["42", 2]);
    expect(second.results[0]?.isMainResult).toBe(true);
  });

  it("is heard as it prints", async () => {
    const gate = Promise.withResolvers<void>();
    const running = sandbox.runCode("import os\nprint('early')\nopen('/tmp/cell-gate').read()\nprint('late')", {
      onStdout: ({ line }) => (line === "early\n" ? gate.resolve() : undefined),
    });
    await run(sandbox, "mkfifo /tmp/cell-gate 2>/dev/null; true");

    await gate.promise;
    await run(sandbox, "echo go >/tmp/cell-gate");

    expect((await running).logs.stdout).toEqual(["early\n", "late\n"]);
  });

  it("shows objects in every form that they have", async () => {
    const { results } = await sandbox.runCode(`
class Shown:
    def _repr_html_(self): return "<b>html</b>"
    def _repr_svg_(self): return "<svg/>"
    def _repr_png_(self): return b"png"
    def _repr_markdown_(self): return "*md*"
    def _repr_latex_(self): return "$x$"
    def _repr_json_(self): return {"a": [1]}
    def __repr__(self): return "Shown()"
Shown()`);

    expect(results[0]).toMatchObject({
      text: "Shown()",
      html: "<b>html</b>",
      svg: "<svg/>",
      png: Buffer.from("png").toString("base64"),
      markdown: "*md*",
      latex: "$x$",
      json: { a: [1] },
    });
  });

  it("shows what it displays in between, by itself or as IPython does", async () => {
    const { results } = await sandbox.runCode(`
from IPython.display import HTML
display(HTML("<i>first</i>"))
class Bundle:
    def _repr_mimebundle_(self, **_): return {"text/plain": "b", "e2b/chart": {"type": "line"}, "x/own": "mine"}
display(Bundle())
3`);

    expect(results.map(({ isMainResult }) => isMainResult)).toEqual([false, false, true]);
    expect(results[0]?.html).toBe("<i>first</i>");
    expect(results[1]).toMatchObject({ text: "b", chart: { type: "line" }, raw: { extra: { "x/own": "mine" } } });
  });

  it("says what went wrong and where, and goes on", async () => {
    const { error } = await sandbox.runCode("def f():\n    return 1 / 0\nf()");

    expect(error).toMatchObject({ name: "ZeroDivisionError", value: "division by zero" });
    expect(error?.traceback).toContain("in f");
    expect(error?.traceback).not.toContain("python-kernel");
    expect((await sandbox.runCode("this is no Python")).error?.name).toBe("SyntaxError");
    expect((await sandbox.runCode("'goes on'")).text).toBe("goes on");
  });

  it("has the output of its children, in full before its end", async () => {
    const { logs } = await sandbox.runCode("import subprocess\n_ = subprocess.run(['seq', '20000'])");

    expect(logs.stdout.join("").trimEnd().split("\n")).toHaveLength(20_000);
  });

  it("has the variables of the sandbox, and some for one cell", async () => {
    const code = "import os; [os.environ.get('OF_SANDBOX'), os.environ.get('OF_CELL')]";

    const given = await sandbox.runCode(code, { envs: { OF_CELL: "two" } });

    expect(given.results[0]?.json).toEqual(["one", "two"]);
    expect((await sandbox.runCode(code)).results[0]?.json).toEqual(["one", null]);
  });

  it("may wait at its top level", async () => {
    expect((await sandbox.runCode("import asyncio\nawait asyncio.sleep(0, 'waited')")).text).toBe("waited");
  });

  it("is interrupted when its client leaves, and keeps its variables", async () => {
    const context = await sandbox.createCodeContext();
    await sandbox.runCode("kept = 7", { context });

    await expect(sandbox.runCode("while True: pass", { context, timeoutMs: 500 })).rejects.toMatchObject({
      name: "TimeoutError",
    });

    expect((await sandbox.runCode("kept", { context })).text).toBe("7");
  });

  it("that ends its process says so, and the next cell begins anew", async () => {
    const context = await sandbox.createCodeContext();

    expect((await sandbox.runCode("import os; os._exit(3)", { context })).error?.name).toBe("ContextRestarting");

    expect((await sandbox.runCode("'os' in dir()", { context })).text).toBe("False");
  });
});

describe("contexts of the emulated E2B", () => {
  it("have variables and a folder of their own", async () => {
    const [one, other] = [await sandbox.createCodeContext({ cwd: "/tmp" }), await sandbox.createCodeContext()];
    await sandbox.runCode("import os; mine = os.getcwd()", { context: one });

    expect((await sandbox.runCode("mine", { context: one })).text).toBe("/tmp");
    expect((await sandbox.runCode("mine", { context: other })).error?.name).toBe("NameError");
  });

  it("are listed, forget what they knew when they are restarted, and can be removed", async () => {
    const context = await sandbox.createCodeContext();
    await sandbox.runCode("known = 1", { context });
    expect((await sandbox.listCodeContexts()).map(({ id }) => id)).toContain(context.id);

    await sandbox.restartCodeContext(context);
    expect((await sandbox.runCode("known", { context })).error?.name).toBe("NameError");

    await sandbox.removeCodeContext(context);
    expect((await sandbox.listCodeContexts()).map(({ id }) => id)).not.toContain(context.id);
    await expect(sandbox.runCode("1", { context })).rejects.toMatchObject({ name: "NotFoundError" });
  });

  it("keep their variables through a pause", async () => {
    const own = await sdk.newSandbox();
    await own.runCode("kept = 'through'");
    await own.pause();
    await own.connect({ timeoutMs: 60_000 });

    expect((await own.runCode("kept")).text).toBe("through");
  });

  it("know JavaScript, too", async () => {
    const first = await sandbox.runCode("const a = 1; console.log('said'); a + 1", { language: "javascript" });
    const second = await sandbox.runCode("const b = await Promise.resolve(5)\nb + a", { language: "javascript" });
    const failed = await sandbox.runCode("missing()", { language: "javascript" });

    expect([first.text, second.text]).toEqual(["2", "6"]);
    expect(first.logs.stdout).toEqual(["said\n"]);
    expect(failed.error).toMatchObject({ name: "ReferenceError", value: "missing is not defined" });
  });

  it("of a language that there is none of are not made", async () => {
    await expect(sandbox.createCodeContext({ language: "r" })).rejects.toThrow("500");
  });

  it("are not in sandboxes of a template without an interpreter", async () => {
    const { sandboxId } = await sdk.Sandbox.create("base");
    const headers = { "E2b-Sandbox-Id": sandboxId, "E2b-Sandbox-Port": "49999" };

    expect((await fetch(`${emulator.url}/contexts`, { headers })).status).toBe(502);
  });
});
