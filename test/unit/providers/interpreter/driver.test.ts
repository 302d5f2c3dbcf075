import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newCall, PythonWorld, readCell } from "./python-world.ts";

let world: PythonWorld;

beforeEach(async () => {
  world = await PythonWorld.open();
});
afterEach(() => world.close());

const reopen = async (...args: Parameters<typeof PythonWorld.open>): Promise<void> => {
  await world.close();
  world = await PythonWorld.open(...args);
};

describe("the Python driver", () => {
  it("names a file's lines in errors, and shows no frame of its own", async () => {
    await world.run("\n\ndef first():\n    return 1 / 0", "sub/a.py");
    const { stderr, outputs } = await world.run(
      "\n\n\n\ntry:\n    first()\nexcept ZeroDivisionError:\n    input()",
      "sub/a.py",
    );

    const places = [...stderr.matchAll(/File "(.*?)", line (\d+)/g)].map(([, file, line]) => `${file}:${line}`);
    expect(places).toEqual(["sub/a.py:6", "sub/a.py:4", "sub/a.py:8"]);
    expect(stderr).toContain("return 1 / 0");
    expect(stderr).toContain("EOFError: input() has nobody to ask in a cell");
    expect(outputs.at(-1)).toMatchObject({ kind: "error", name: "EOFError", traceback: stderr });
  });

  it("shows where code is no Python", async () => {
    const { stderr } = await world.run("\n\nx = = 1", "a.py");

    expect(stderr).toMatch(/^ {2}File "a\.py", line 3\n {4}x = = 1\n[^]*SyntaxError/);
  });

  it("is a main module in its file, that finds modules beside that and in the workspace", async () => {
    await world.write("deep/beside.py", "name = 'beside'");
    await world.write("top.py", "name = 'top'");

    const { stdout, exit } = await world.run(
      "import beside, sys, top\nprint(__name__, __file__, sys.argv, beside.name, top.name)",
      "deep/a.py",
    );

    const file = `${world.sandbox.workspace}/deep/a.py`;
    expect(stdout).toBe(`__main__ ${file} ['${file}'] beside top\n`);
    expect(exit).toEqual({ kind: "exited", code: 0 });
  });

  it("is not misled by modules of the workspace that are named as Python's own", async () => {
    for (const name of ["json", "select", "ast", "traceback", "ctypes"])
      await world.write(`${name}.py`, "raise Exception('not this one')");

    expect((await world.run("print('works')")).stdout).toBe("works\n");
  });

  it("awaits at the top, and keeps what runs in the background", async () => {
    await world.run("import asyncio\nasync def later():\n    await asyncio.sleep(0.01)\n    return 'done'");
    await world.run("task = asyncio.ensure_future(later())\nawait asyncio.sleep(0)");

    const { outputs } = await world.run("await task");

    expect(outputs.at(-1)).toMatchObject({ kind: "result", data: { "text/plain": "'done'" } });
  });

  it("keeps what a semicolon is to keep, and the futures that a cell asked for", async () => {
    expect(await world.show("7;")).toEqual([]);
    await world.run("from __future__ import annotations");

    expect(await world.show("def f(x: Unknown): pass\nf.__annotations__")).toEqual([
      { "text/plain": "{'x': 'Unknown'}" },
    ]);
  });

  it("brings what C code and processes print with the cell that printed it", async () => {
    const { stdout } = await world.run(
      "import ctypes, os\nprint('one')\ncode = ctypes.CDLL(None).printf(b'two\\n')\ncode = os.system('echo three')",
    );

    expect(stdout.split("\n").sort()).toEqual(["", "one", "three", "two"]);
    expect((await world.run("1")).stdout).toBe("");
  });

  it("brings what is printed between cells with the next one", async () => {
    await world.run(
      "import threading\ndef late():\n    go.wait()\n    print('late')\ngo = threading.Event()\nt = threading.Thread(target=late)\nt.start()",
    );
    await world.run("import threading\nwait = threading.Timer(0.05, go.set)\nwait.start()");
    await new Promise((resolve) => setTimeout(resolve, 300));

    expect((await world.run("print('next')")).stdout).toBe("late\nnext\n");
  });

  it("lets a process that a cell forked end with it", async () => {
    const { stdout, exit } = await world.run("import os\nif os.fork() == 0: print('child')\nelse: os.wait()\n'value'");

    expect(stdout).toBe("child\n");
    expect(exit).toEqual({ kind: "exited", code: 0 });
    expect(await world.show("'once'")).toEqual([{ "text/plain": "'once'" }]);
  });

  it.each([
    ["exit()", 0, ""],
    ["import sys; sys.exit(3)", 1, ""],
    ["exit('no good')", 1, "no good\n"],
  ])("begins anew after %s", async (code, expected, complaint) => {
    await world.run("x = 1\nimport atexit\nhandler = atexit.register(print, 'bye')");

    const { exit, stderr, stdout } = await world.run(code);
    const next = await world.run("'x' in globals()");

    expect(exit).toEqual({ kind: "exited", code: expected });
    expect([stdout, stderr]).toEqual(["bye\n", complaint]);
    expect(next.outputs).toEqual([
      { kind: "count", count: 1 },
      { kind: "result", data: { "text/plain": "False" }, isMain: true },
    ]);
  });

  it("goes on printing when a cell has closed its streams", async () => {
    await world.run("import sys\nsys.stdout.close()");

    expect((await world.run("print('open again')")).stdout).toBe("open again\n");
  });

  it("lets a cell go on whose output is not read to its end", async () => {
    const cell = await world.start("for i in range(100000): print('a line that nobody reads')\nprint('end')");
    for await (const _chunk of cell.stdout) break;

    expect(await cell.exit).toEqual({ kind: "exited", code: 0 });
  });

  it("ends a context as lost whose code writes where the driver speaks, and can be restarted", async () => {
    const { exit } = await world.run(
      "import os\nfor fd in range(3, 64):\n    try: os.write(fd, b'r\\xff\\xff\\xff\\xff')\n    except OSError: pass",
    );

    expect(exit).toEqual({ kind: "lost", reason: "A cell broke the connection to its context." });
    await expect(world.run("1")).rejects.toMatchObject({ code: "not-found" });
    await world.interpreter.restartContext(world.contextId, newCall());
    expect(await world.show("2")).toEqual([{ "text/plain": "2" }]);
  });

  it("drops what a start-up file of Python's prints", async () => {
    await reopen((command) => ({ ...command, env: { PYTHONPATH: "startup" } }));
    await world.write("startup/sitecustomize.py", "print('welcome', flush=True)");

    expect((await world.run("print('own')")).stdout).toBe("own\n");
  });

  it.each([
    ["is no python3", "exit 127", "unsupported", /the sandbox has no python3\. Choose an image that has it/],
    ["is an old one", "echo 'Python 3.6 or newer is needed' >&2; exit 1", "unsupported", /Choose an image/],
    [
      "is one that does not start",
      "echo 'no encodings' >&2; exit 1",
      "unavailable",
      /could not be started.*no encodings/,
    ],
  ])("says what to do where there %s", async (_, script, code, message) => {
    await reopen((command) => ({ ...command, argv: ["sh", "-c", `cat >/dev/null & ${script}`] }));

    const running = world.run("1");

    await expect(running).rejects.toMatchObject({ code });
    await expect(running).rejects.toThrow(message);
  });

  it("starts no process before the first cell, and one for all cells of a context", async () => {
    let count = 0;
    await reopen((command) => {
      count += 1;
      return command;
    });
    expect(count).toBe(0);

    await world.run("1");
    await Promise.all([world.run("2"), world.start("3").then(readCell)]);

    expect(count).toBe(1);
  });
});
