import { beforeEach, describe, expect, it } from "vitest";
import * as vscode from "vscode";
import type { CommandDeps } from "../../../../src/ui/commands/command-deps.ts";
import { HANDLERS } from "../../../../src/ui/commands/command-handlers.ts";
import type { CommandId } from "../../../../src/ui/commands/register-commands.ts";
import { URI } from "../../../fakes/uri.ts";
import { fakeDocument, resetFake, state } from "../../../fakes/vscode.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";
import { fakeRun, fakeSession, settle } from "../fake-engine.ts";
import { cellRun, openFile } from "./cell-world.ts";

const TEXT = "import os\n# %% Load\nx = 1\n\n# %% Plot\ny = 2\n# %% [markdown]\n# text\n# %%\nz = 3\n";

beforeEach(() => {
  resetFake({ ...SETTINGS });
  state.folders = [{ uri: URI.file("/ws"), name: "ws", index: 0 }];
});

async function ask(deps: CommandDeps, id: CommandId, ...args: readonly unknown[]): Promise<void> {
  await HANDLERS[id](deps, args[0], args[1]);
}

/** Lets each run end as soon as it has begun: well, but for those whose code says "raise". */
function endRuns({ engine, store }: Pick<ReturnType<typeof fakeDeps>, "engine" | "store">): void {
  const start = engine.startRun.bind(engine);
  engine.startRun = async (request) => {
    const run = await start(request);
    const isBad = "code" in request.command && request.command.code.includes("raise");
    setImmediate(() =>
      store.putRun({ ...run, ...fakeRun({ ...run, state: "ended", exit: { kind: "exited", code: isBad ? 1 : 0 } }) }),
    );
    return run;
  };
}

function codes({ engine }: Pick<ReturnType<typeof fakeDeps>, "engine">): readonly string[] {
  return engine.requests.map(({ command }) => (command.kind === "cell" ? command.code.trim() : command.kind));
}

describe("running cells", () => {
  it("runs the cursor's cell as a run of its file, which says where its lines are", async () => {
    openFile(TEXT, 5, "/ws/src/plot.py");
    const world = fakeDeps();
    endRuns(world);
    await ask(world.deps, "sandpiper.runCell");

    expect(world.engine.requests).toMatchObject([
      {
        workspaceRoot: "/ws",
        title: "plot.py:5-6",
        command: { kind: "cell", path: "src/plot.py", language: "python", code: "\n\n\n\n\ny = 2" },
        pull: true,
      },
    ]);
    expect(world.engine.requests[0]).not.toHaveProperty("pty");
  });

  it("shows its results beside the editor, and no terminal, then and when the run is looked at again", async () => {
    openFile(TEXT, 2);
    const world = fakeDeps();
    endRuns(world);
    await ask(world.deps, "sandpiper.runCell");
    await ask(world.deps, "sandpiper.showRun", "run-1");

    expect(state.panels.map(({ viewType, revealed }) => [viewType, revealed])).toEqual([["sandpiper.cells", 1]]);
    expect(state.terminals).toEqual([]);
  });

  it("gives no cell a terminal after a reload either", async () => {
    const { deps, engine, store } = fakeDeps();
    const { exit: _exit, endedAt: _ended, ...live } = cellRun({ state: "running" });
    engine.runs = [live];
    await store.load();
    await deps.terminals.restore(["/ws"]);

    expect(state.terminals).toEqual([]);
  });

  it.each([
    ["sandpiper.runAllCells", 0, ["import os", "x = 1", "y = 2", "z = 3"]],
    ["sandpiper.runCellsAbove", 8, ["import os", "x = 1", "y = 2"]],
  ] as const)("%s runs them in their order, one after the other", async (id, line, expected) => {
    openFile(TEXT, line);
    const world = fakeDeps();
    endRuns(world);
    await ask(world.deps, id);

    expect(codes(world)).toEqual(expected);
  });

  it("does what a lens says, whatever editor is in front", async () => {
    const document = fakeDocument(URI.file("/ws/plot.py"), TEXT);
    state.documents.push(document);
    const world = fakeDeps();
    endRuns(world);
    await ask(world.deps, "sandpiper.runCell", document.uri, 4);
    await ask(world.deps, "sandpiper.runCellsAbove", document.uri, 4);

    expect(codes(world)).toEqual(["y = 2", "import os", "x = 1"]);
  });

  it("runs nothing after a cell that fails", async () => {
    openFile("# %%\na\n# %%\nraise\n# %%\nb\n");
    const world = fakeDeps();
    endRuns(world);
    await ask(world.deps, "sandpiper.runAllCells");

    expect(codes(world)).toEqual(["a", "raise"]);
    expect((await world.deps.cells.desk()).queue.waiting("/ws", "plot.py")).toEqual([]);
  });

  it("lets what is asked for meanwhile wait, and calls it off when asked to", async () => {
    const document = openFile(TEXT, 2);
    const { deps, engine, store } = fakeDeps();
    const { queue } = await deps.cells.desk();
    const first = ask(deps, "sandpiper.runCell");
    await settle();
    await ask(deps, "sandpiper.runCell", document.uri, 5);
    const waiting = queue.waiting("/ws", "plot.py").map(({ input }) => input.command.code.trim());
    queue.clear("/ws", "plot.py");
    store.putRun({ ...fakeRun({ id: "run-1" }) });
    await first;

    expect(waiting).toEqual(["y = 2"]);
    expect(engine.requests).toHaveLength(1);
  });

  it("puts the cursor into the next cell at once", async () => {
    openFile(TEXT, 2);
    const world = fakeDeps();
    endRuns(world);
    const revealed: unknown[] = [];
    const editor = Object.assign(state.activeEditor ?? {}, { revealRange: (range: unknown) => revealed.push(range) });
    await ask(world.deps, "sandpiper.runCellAndAdvance");

    expect(codes(world)).toEqual(["x = 1"]);
    expect(editor).toMatchObject({ selection: { active: { line: 5 } } });
    expect(revealed).toHaveLength(1);
  });

  it("runs a selection where the file's cells run, under its own line numbers", async () => {
    openFile("if True:\n    a = 1\n    b = 2\n");
    Object.assign(state.activeEditor ?? {}, {
      selection: { start: new vscode.Position(1, 4), end: new vscode.Position(2, 9) },
    });
    const world = fakeDeps();
    endRuns(world);
    await ask(world.deps, "sandpiper.runSelectionInInterpreter");

    expect(world.engine.requests).toMatchObject([
      { title: "plot.py:2-3", command: { kind: "cell", path: "plot.py", code: "\na = 1\nb = 2\n" } },
    ]);
  });

  it.each([
    [
      "in a file without cells",
      "x = 1\n",
      {
        message: "This file has no cells. A line that begins with “# %%” begins one (“// %%” where comments do).",
        remedies: ["Run the File Instead"],
      },
    ],
    ["in a cell without code", "# %%\n\n# %%\nx\n", { message: "There is no code in this cell.", remedies: [] }],
  ])("says what to do %s", async (_, text, { message, remedies }) => {
    openFile(text);
    const { deps } = fakeDeps();

    await expect(ask(deps, "sandpiper.runCell")).rejects.toMatchObject({
      code: "invalid",
      message,
      remedies: remedies.map((title) => ({ title })),
    });
  });

  it("says so when there is no cell above", async () => {
    openFile("# %%\nx\n", 1);

    await expect(ask(fakeDeps().deps, "sandpiper.runCellsAbove")).rejects.toThrow("There is no cell with code above");
  });

  it("52: runs nothing in a folder that is not trusted", async () => {
    state.isTrusted = false;
    openFile(TEXT, 2);
    const { deps, engine } = fakeDeps();

    await expect(ask(deps, "sandpiper.runCell")).rejects.toMatchObject({ code: "blocked" });
    expect([engine.requests, state.panels]).toEqual([[], []]);
  });

  it("offers what works without an interpreter when the target has none", async () => {
    openFile(TEXT, 2);
    const { deps, engine, store } = fakeDeps();
    const running = ask(deps, "sandpiper.runCell");
    await settle();
    const [run] = engine.runs;
    const { exit: _exit, ...ended } = fakeRun({ ...run, state: "ended" });
    store.putRun({ ...ended, error: { code: "unsupported", message: "This provider keeps no state of code." } });
    await running;

    expect(state.messages.at(-1)).toMatchObject({
      message: "This provider keeps no state of code.",
      buttons: ["Run the File Instead", "Choose Another Target"],
    });
  });

  it("shows the results of a file's cells when it is asked to", async () => {
    openFile(TEXT);
    const { deps, engine } = fakeDeps();
    engine.runs = [cellRun()];
    await ask(deps, "sandpiper.showCellResults");

    expect(state.panels.map(({ title }) => title)).toEqual(["plot.py: Results"]);
  });
});

describe("restarting a context", () => {
  const CONTEXT = { id: "k-1", language: "python", path: "plot.py", count: 3 };

  async function setUp() {
    const world = fakeDeps();
    world.engine.sessions = [fakeSession()];
    world.engine.runs = [cellRun()];
    world.engine.contexts = [CONTEXT];
    await world.store.load();
    return world;
  }

  it("asks which one when there are several, and none when there is one", async () => {
    const { deps, engine } = await setUp();
    await ask(deps, "sandpiper.restartContext");
    engine.contexts = [CONTEXT, { ...CONTEXT, id: "k-2", path: "other.py", count: 1 }];
    state.picks = ["python · other.py · 1 cell"];
    await ask(deps, "sandpiper.restartContext");

    expect(engine.asked).toEqual(["restart k-1 of s-1", "restart k-2 of s-1"]);
    expect(state.asked).toMatchObject([{ labels: ["python · plot.py · 3 cells", "python · other.py · 1 cell"] }]);
  });

  it("is about the file of the run that it is given", async () => {
    const { deps, engine } = await setUp();
    engine.contexts = [{ ...CONTEXT, id: "k-2", path: "other.py" }, CONTEXT];
    await ask(deps, "sandpiper.restartContext", "run-1");

    expect(engine.asked).toEqual(["restart k-1 of s-1"]);
  });

  it("says that there is none", async () => {
    const { deps, engine } = await setUp();
    engine.contexts = [];
    await ask(deps, "sandpiper.restartContext");

    expect(state.messages.at(-1)?.message).toBe("No cell has run in a sandbox that is alive.");
  });
});
