import { beforeEach, describe, expect, it } from "vitest";
import { resetFake, state } from "../../../fakes/vscode.ts";
import { fakeDeps, SETTINGS } from "../command-deps.ts";
import { fakeRun, liveRun, settle } from "../fake-engine.ts";
import { RunTerminal } from "../../../../src/ui/terminal/run-terminal.ts";

beforeEach(() => resetFake({ ...SETTINGS }));

function openLast(): void {
  const pty = state.terminals.at(-1)?.pty;
  if (pty instanceof RunTerminal) pty.open({ columns: 80, rows: 24 });
}

describe("RunTerminals", () => {
  it("gives each run its own terminal, and finds it again", async () => {
    const { deps } = fakeDeps();
    await deps.terminals.show(liveRun({ id: "a" }), true);
    await deps.terminals.show(liveRun({ id: "b" }), true);
    await deps.terminals.show(liveRun({ id: "a" }), false);

    expect(state.terminals.map(({ shown }) => shown.length)).toEqual([2, 1]);
  });

  it("puts a rerun of the same file into the terminal of the run that has ended", async () => {
    const { deps } = fakeDeps();
    await deps.terminals.show(fakeRun({ id: "a" }), true);
    openLast();
    await settle();
    await deps.terminals.show(liveRun({ id: "b" }), true);
    await deps.terminals.show(liveRun({ id: "c", title: "other.py" }), true);

    expect(state.terminals).toHaveLength(2);
  });

  it("59: gives the runs of this window that go on their terminals back after a reload", async () => {
    const { deps, engine } = fakeDeps();
    engine.runs = [
      liveRun({ id: "ours" }),
      fakeRun({ id: "ended" }),
      liveRun({ id: "cli", origin: "cli" }),
      liveRun({ id: "elsewhere", workspaceRoot: "/other" }),
    ];
    await deps.store.load();
    await deps.terminals.restore(["/ws"]);

    expect(state.terminals.map(({ pty }) => pty instanceof RunTerminal && pty.run.id)).toEqual(["ours"]);
  });

  it("hands on what the engine says of a run", async () => {
    const { deps, engine, store } = fakeDeps();
    engine.runs = [liveRun()];
    await store.load();
    await deps.terminals.show(liveRun(), true);
    openLast();
    engine.events.fire({ type: "run", run: fakeRun() });
    await settle();

    const pty = state.terminals[0]?.pty;
    expect(pty instanceof RunTerminal && pty.isDone).toBe(true);
  });
});
