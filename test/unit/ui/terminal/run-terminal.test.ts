/* oxlint-disable no-control-regex -- what a terminal is sent is full of control characters */
import { beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../../../../src/core/logger.ts";
import type { RunRecord } from "../../../../src/sessions/records.ts";
import { RunTerminal } from "../../../../src/ui/terminal/run-terminal.ts";
import { resetFake } from "../../../fakes/vscode.ts";
import { FakeEngine, fakeRun, liveRun, settle } from "../fake-engine.ts";

const SIZE = { columns: 100, rows: 30 };

function setUp(run: RunRecord) {
  const engine = new FakeEngine();
  const log = { text: "" };
  const terminal = new RunTerminal(run, {
    getEngine: async () => engine,
    readLog: async (_id, from, maxBytes) => {
      const data = Buffer.from(log.text).subarray(from, from + maxBytes);
      return { data, nextOffset: from + data.length, sizeBytes: Buffer.byteLength(log.text) };
    },
    nextFrame: async () => undefined,
    logger: silentLogger,
    onDidResize: () => undefined,
  });
  let screen = "";
  const names: string[] = [];
  let closed = 0;
  terminal.onDidWrite((text) => (screen += text));
  terminal.onDidChangeName((name) => names.push(name));
  terminal.onDidClose(() => closed++);
  const text = (): string => screen.replaceAll(/\u001b(?:\[[\d;?]*[a-zA-Z]|\]8;;\u001b\\|[()*+]?.)/g, "");
  return { engine, log, terminal, names, screen: () => screen, text, closedCount: () => closed };
}

beforeEach(() => resetFake());

describe("RunTerminal", () => {
  it("says what runs where, replays the log from its start, and ends with how it went", async () => {
    const run = fakeRun({ changes: { added: 1, modified: 1, deleted: 0, pending: 2 } });
    const { terminal, log, text, names } = setUp(run);
    log.text = "hello\r\n";
    terminal.open(SIZE);
    await settle();

    expect(text()).toContain("Sandpiper: train.py in Local (bubblewrap), network off\r\nhello\r\n");
    expect(text().trimEnd().split("\r\n").at(-1)).toMatch(/✓ exit 0 in 1\.2 s · 2 files changed: Review$/);
    expect(names.at(-1)).toBe("✓ train.py");
  });

  it.each([
    [{ costUsd: 0.021, sent: { fileCount: 2, totalBytes: 1229 } }, "exit 0 in 1.2 s · $0.02 · sent 2 files, 1.2 KiB"],
    [{ costUsd: 0, sent: { fileCount: 0, totalBytes: 0 } }, "exit 0 in 1.2 s · sent nothing"],
  ])("ends with what it cost and what was sent: %j", async (record, line) => {
    const { terminal, text } = setUp(fakeRun(record));
    terminal.open(SIZE);
    await settle();

    expect(text().trimEnd().endsWith(`✓ ${line}`)).toBe(true);
  });

  it("says which GPU was got instead of the one that was asked for", async () => {
    const { terminal, text } = setUp(fakeRun({ notes: ["No H100 is free at Modal now; got L40S."] }));
    terminal.open(SIZE);
    await settle();

    expect(text().trimEnd().split("\r\n").at(-1)).toBe("No H100 is free at Modal now; got L40S.");
  });

  it("draws the end only when the output is out", async () => {
    const { terminal, log, text } = setUp(liveRun());
    terminal.open(SIZE);
    log.text = "working\r\n";
    terminal.advance(9);
    await settle();
    expect(text()).not.toContain("exit");

    log.text += "done\r\n";
    terminal.update(fakeRun({ exit: { kind: "exited", code: 3 } }));
    await settle();

    expect(text().indexOf("done")).toBeLessThan(text().indexOf("✗ exit 3 in 1.2 s"));
  });

  it("27: takes the screen back before it says how it ended", async () => {
    const { terminal, log, screen } = setUp(fakeRun({ exit: { kind: "exited", code: 1 } }));
    log.text = "\u001b[?1049h\u001b[31m\u001b[5A✓ exit 0 in 0.1 s\u001b[8m";
    terminal.open(SIZE);
    await settle();

    const end = screen().slice(screen().indexOf("\u001b[8m") + 4);
    expect(end.indexOf("\u001b[?47l")).toBeLessThan(end.indexOf("\u001b[9999;1H\r\n"));
    expect(end.indexOf("\u001b[9999;1H\r\n")).toBeLessThan(end.indexOf("✗ exit 1"));
    expect(end).toContain("\u001b[0m");
  });

  it("31: says at the end that output was left out, with a way to all of it", async () => {
    const { terminal, log, text } = setUp(fakeRun());
    log.text = "x".repeat(9 * 1024 * 1024);
    terminal.open(SIZE);
    for (let round = 0; round < 20; round++) await settle();

    expect(text().slice(-120)).toMatch(/… 8\.4 MiB of output not shown here: Open full log\r\n✓ exit 0 in 1\.2 s\r\n$/);
  });

  it("shows what is being prepared, and takes it away when output comes", async () => {
    const { terminal, log, screen, text } = setUp(liveRun({ state: "preparing", progress: "Pulling image, 34 %" }));
    terminal.open(SIZE);
    expect(text()).toContain("Pulling image, 34 %");

    log.text = "first";
    terminal.update(liveRun());
    await settle();

    expect(screen()).toMatch(/34 %\u001b\[0m\r\u001b\[2Kfirst$/);
  });

  it("says why a run could not be made", async () => {
    const message = "bubblewrap is missing.\nRun: apt-get install bubblewrap";
    const { startedAt: _never, exit: _none, ...run } = fakeRun({ error: { code: "unavailable", message } });
    const { terminal, text } = setUp(run);
    terminal.open(SIZE);
    await settle();

    expect(text()).toContain("✗ could not run\r\nbubblewrap is missing.\r\nRun: apt-get install bubblewrap\r\n");
  });

  it("sends keys raw and in order, Ctrl+C among them", async () => {
    const { terminal, engine } = setUp(liveRun());
    terminal.open(SIZE);
    for (const key of ["a", "\r", "\u0003"]) terminal.handleInput(key);
    await settle();

    expect(engine.asked).toEqual([
      "resize run-1 100x30",
      'write run-1 "a"',
      'write run-1 "\\r"',
      'write run-1 "\\u0003"',
    ]);
  });

  it.each([
    ["that is still prepared", liveRun({ state: "preparing" })],
    ["without a terminal of its own", liveRun({ hasPty: false })],
  ])("stops a run %s at Ctrl+C", async (_, run) => {
    const { terminal, engine } = setUp(run);
    terminal.open(undefined);
    terminal.handleInput("\u0003");
    await settle();

    expect(engine.asked).toEqual(["stop run-1"]);
  });

  it("sends nothing to a run that has ended", async () => {
    const { terminal, engine } = setUp(fakeRun());
    terminal.open(SIZE);
    await settle();
    terminal.handleInput("\u0003");
    await settle();

    expect(engine.asked).toEqual([]);
  });

  it("leaves the run going when it is closed, but ends a shell", async () => {
    const script = setUp(liveRun());
    const shell = setUp(liveRun({ command: { kind: "shell" } }));
    for (const { terminal } of [script, shell]) {
      terminal.open(undefined);
      terminal.close();
    }
    await settle();

    expect(script.engine.asked).toEqual([]);
    expect(shell.engine.asked).toEqual(["kill run-1"]);
  });

  it("closes with the shell that its user left", async () => {
    const { terminal, closedCount } = setUp(liveRun({ command: { kind: "shell" } }));
    terminal.open(SIZE);
    terminal.update(fakeRun({ command: { kind: "shell" } }));
    await settle();

    expect(closedCount()).toBe(1);
  });

  it("breaks lines where the command had no terminal to do it", async () => {
    const { terminal, log, text } = setUp(fakeRun({ hasPty: false }));
    log.text = "one\ntwo\n";
    terminal.open(SIZE);
    await settle();

    expect(text()).toContain("one\r\ntwo\r\n");
  });

  it("shows the next run below the one before", async () => {
    const { terminal, log, text } = setUp(fakeRun());
    terminal.open(SIZE);
    await settle();
    expect(terminal.isDone).toBe(true);

    log.text = "again\r\n";
    terminal.show(fakeRun({ id: "run-2", exit: { kind: "exited", code: 4 } }));
    await settle();

    expect(text()).toMatch(/✓ exit 0[^]*Sandpiper: train\.py[^]*again[^]*✗ exit 4/);
  });
});
