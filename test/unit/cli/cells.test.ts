import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSaveResult, followResults } from "../../../src/cli/cell-results.ts";
import { chooseCells } from "../../../src/cli/cells.ts";
import { parseRunArguments, type RunArguments } from "../../../src/cli/parse-run.ts";
import { createJsonReporter, createPlainReporter, type RunReporter } from "../../../src/cli/run-reporter.ts";
import { TerminalOutput } from "../../../src/cli/terminal-output.ts";
import type { CellOutput } from "../../../src/core/interpreter.ts";
import { toResultsFile } from "../../../src/sessions/cells/results-file.ts";
import { toRunFolder, toStateFolder } from "../../../src/sessions/state-folder.ts";

const FILE = "import math\n# %% First\na = 1\n# %% [markdown]\n# words\n# %%\nb = 2\n";

let root: string;

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "sandpiper-cells-")));
  await mkdir(join(root, ".git"));
  await writeFile(join(root, "analysis.py"), FILE);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const parse = (...args: string[]): RunArguments => parseRunArguments(args, root, {});
const result = (data: Readonly<Record<string, string>>): CellOutput => ({ kind: "result", data, isMain: false });

describe("sandpiper run --cell", () => {
  it.each([
    ["0", [[0, "import math"]]],
    ["2", [[2, "b = 2"]]],
    [
      "all",
      [
        [0, "import math"],
        [1, "a = 1"],
        [2, "b = 2"],
      ],
    ],
  ] as const)("runs cell %s", async (word, expected) => {
    const { request, cell = "all" } = parse("--cell", word, "analysis.py");

    const cells = await chooseCells(request, cell);

    expect(
      cells.map(({ request: { command, title }, stem }) => [
        title,
        stem,
        command.kind === "cell" && command.code.trim(),
      ]),
    ).toEqual(expected.map(([number, code]) => [`analysis.py, cell ${number}`, `analysis-${number}`, code]));
    expect(cells[0]?.request.command).toMatchObject({ kind: "cell", path: "analysis.py", language: "python" });
  });

  it.each([
    ["a cell that is not there", "analysis.py", 7, /has no cell 7: its last one is 2/],
    ["a file without cells", "plain.py", 1, /has no cells. Begin each with a line/],
    ["a file of no language that has cells", "data.csv", 1, /has no cells that can be run/],
    ["a file that is not there", "gone.py", 1, /cannot be read/],
  ])("says what is wrong with %s", async (_, file, number, message) => {
    await writeFile(join(root, "plain.py"), "print(1)\n");
    await writeFile(join(root, "data.csv"), FILE);

    await expect(chooseCells(parse("--cell", "1", file).request, number)).rejects.toThrow(message);
  });

  it.each([
    [["--cell", "first", "analysis.py"], /--cell is a number, or all; not "first"/],
    [["--cell", "1", "analysis.py", "--fast"], /takes no arguments/],
    [["--cell", "1", "--", "ls"], /--cell goes with a file/],
    [["--cell", "1", "--count", "2", "analysis.py"], /neither with --count nor with --snapshot/],
    [["--results", "out", "analysis.py"], /--results goes with --cell/],
  ])("refuses %j", (args, message) => {
    expect(() => parse(...args)).toThrow(message);
  });
});

describe("results on the command line", () => {
  it("are saved in every form but their name, numbered as they were shown", async () => {
    const folder = join(root, "out", "deep");
    const save = createSaveResult(folder, "analysis-2");

    const saved = [
      await save({ kind: "count", count: 1 }),
      await save(result({ "text/plain": "a plot", "image/png": Buffer.from("\x89PNG", "latin1").toString("base64") })),
      await save(result({ "text/plain": "42" })),
      await save(result({ "text/plain": "t", "text/html": "<b>", "application/vnd.sandpiper.table+json": "{}" })),
      await save({ kind: "error", name: "E", value: "", traceback: "" }),
    ];

    const names = [["2-1.png"], ["2-2.txt"], ["2-3.html", "2-3.json"]];
    const files = names.map((group) => group.map((name) => join(folder, `analysis-${name}`)));
    expect(saved).toEqual([[], ...files, []]);
    expect(await readdir(folder)).toEqual([
      "analysis-2-1.png",
      "analysis-2-2.txt",
      "analysis-2-3.html",
      "analysis-2-3.json",
    ]);
    expect((await readFile(join(folder, "analysis-2-1.png"))).toString("latin1")).toBe("\x89PNG");
    expect(await readFile(join(folder, "analysis-2-2.txt"), "utf8")).toBe("42");
  });

  it("are handed on once each, as far as their lines are whole", async () => {
    const state = toStateFolder({ SANDPIPER_STATE: join(root, "state") });
    const seen: CellOutput[] = [];
    const follower = followResults(state, "run-1", async (output) => void seen.push(output));
    await follower.read();
    await mkdir(toRunFolder(state, "run-1"), { recursive: true });
    const file = toResultsFile(toRunFolder(state, "run-1"));
    const [one, two] = [{ kind: "count", count: 1 } as const, result({ "text/plain": "2" })];

    await writeFile(file, `${JSON.stringify(one)}\n{"kind":"res`);
    await follower.read();
    await writeFile(file, `${JSON.stringify(one)}\n${JSON.stringify(two)}\n`);
    await follower.read();

    expect(seen).toEqual([one, two]);
  });

  it.each([
    ["with the files that they were saved as", false, "42\n", "sandpiper: Saved out/a.png\n"],
    ["alone when it is to be quiet", true, "42\n", ""],
  ])("are printed as text, %s", async (_, isQuiet, stdout, stderr) => {
    const { reporter, texts } = newReporter((outputs) => createPlainReporter(outputs, { isQuiet, isTerminal: false }));

    await reporter.shown({ kind: "count", count: 1 }, []);
    await reporter.shown(result({ "text/plain": "42", "image/png": "" }), ["out/a.png"]);
    await reporter.shown({ kind: "error", name: "E", value: "v", traceback: "told already" }, []);

    expect(texts()).toEqual({ stdout, stderr });
  });

  it("are events of --json", async () => {
    const { reporter, texts } = newReporter((outputs) => createJsonReporter(outputs));
    const output = result({ "text/plain": "42" });

    await reporter.shown(output, []);
    await reporter.shown(output, ["out/a.txt"]);

    const events = texts()
      .stdout.trimEnd()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(events).toEqual([
      { type: "result", output },
      { type: "result", output, saved: ["out/a.txt"] },
    ]);
  });
});

function newReporter(create: (outputs: { stdout: TerminalOutput; stderr: TerminalOutput }) => RunReporter): {
  readonly reporter: RunReporter;
  readonly texts: () => { readonly stdout: string; readonly stderr: string };
} {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const reporter = create({
    stdout: new TerminalOutput(streams.stdout),
    stderr: new TerminalOutput(streams.stderr),
  });
  return { reporter, texts: () => ({ stdout: read(streams.stdout), stderr: read(streams.stderr) }) };
}

function read(stream: PassThrough): string {
  return String(stream.read() ?? "");
}
