import { Writable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_TARGET } from "../../../src/sessions/default-target.ts";
import type { RunRecord } from "../../../src/sessions/records.ts";
import { describeApplied, describeChange, describePending } from "../../../src/cli/describe-changes.ts";
import { toExitCode } from "../../../src/cli/exit-code.ts";
import { JsonOutput, type OutputEvent } from "../../../src/cli/json-output.ts";
import { createPlainReporter } from "../../../src/cli/run-reporter.ts";
import { TerminalOutput } from "../../../src/cli/terminal-output.ts";

const RUN: RunRecord = {
  version: 1,
  id: "r-1",
  title: "x",
  workspaceRoot: "/w",
  target: DEFAULT_TARGET,
  boundary: "namespaces",
  command: { kind: "shell" },
  origin: "cli",
  hasPty: false,
  state: "ended",
  requestedAt: "2026-01-01T00:00:00.000Z",
};
const FAILURE = { code: "unavailable", message: "x" } as const;

describe("the exit code", () => {
  it.each<[string, Partial<RunRecord>, number]>([
    ["the command's own", { exit: { kind: "exited", code: 7 } }, 7],
    ["128 and the number of the signal", { exit: { kind: "signaled", signal: "SIGKILL" } }, 137],
    ["128 and the number of a signal without a name", { exit: { kind: "signaled", signal: "SIG40" } }, 168],
    ["125 when nobody knows how it ended", { exit: { kind: "lost", reason: "x" } }, 125],
    ["125 when it never started", { error: FAILURE }, 125],
    ["125 when it did well but its files are missing", { exit: { kind: "exited", code: 0 }, error: FAILURE }, 125],
    [
      "the command's own when it failed and its files are missing",
      { exit: { kind: "exited", code: 3 }, error: FAILURE },
      3,
    ],
    ["130 when it was stopped before it started", { stopReason: "user" }, 130],
  ])("is %s", (_, changes, code) => {
    expect(toExitCode({ ...RUN, ...changes })).toBe(code);
  });
});

describe("what was sent", () => {
  const sent = { fileCount: 2, totalBytes: 1200 };
  const mounted = ["Mounted 12.3 MiB from Modal's snapshot of 14:03; sent 2 files, 1.2 KiB."];
  const exited = { kind: "exited", code: 0 } as const;

  it.each([
    { what: "on a terminal", run: { sent }, isTerminal: true, said: "sandpiper: Sent 2 files, 1.2 KiB.\n" },
    { what: "nowhere else", run: { sent }, isTerminal: false, said: "" },
    { what: "not when it was nothing", run: { sent: { fileCount: 0, totalBytes: 0 } }, isTerminal: true, said: "" },
    { what: "once", run: { sent, notes: mounted }, isTerminal: true, said: `sandpiper: ${mounted.join()}\n` },
  ])("is told $what", async ({ run, isTerminal, said }) => {
    const written: string[] = [];
    const stream = new Writable({ write: (chunk: Buffer, _, done) => (written.push(chunk.toString()), done()) });
    const stderr = new TerminalOutput(stream);
    const reporter = createPlainReporter({ stdout: stderr, stderr }, { isQuiet: false, isTerminal });

    await reporter.ended({ ...RUN, ...run, exit: exited }, [], undefined);

    expect(written.join("")).toBe(said);
  });
});

describe("output as events", () => {
  it("is text that keeps every character whole, and base64 where it is no text, byte for byte", () => {
    const piece = fc.oneof(
      fc.string({ unit: "grapheme" }).map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 6 }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom("stdout" as const, "stderr" as const), piece)), (pieces) => {
        const output = new JsonOutput();
        const events: OutputEvent[] = [];
        let offset = 0;
        for (const [stream, data] of pieces) {
          const event = output.push({ stream, data, offset, time: 0 });
          if (event) events.push(event);
          offset += data.length;
        }
        events.push(...output.flush());
        for (const name of ["stdout", "stderr"] as const) {
          const sent = Buffer.concat(pieces.filter(([stream]) => stream === name).map(([, data]) => data));
          const got = Buffer.concat(
            events
              .filter(({ stream }) => stream === name)
              .map((event) => ("text" in event ? Buffer.from(event.text) : Buffer.from(event.base64, "base64"))),
          );
          expect(got.equals(sent)).toBe(true);
        }
      }),
    );
  });

  it("waits for the rest of a character that two pieces share", () => {
    const output = new JsonOutput();
    const euro = Buffer.from("€");

    expect(
      output.push({
        stream: "stdout",
        data: Buffer.concat([Buffer.from("a"), euro.subarray(0, 2)]),
        offset: 0,
        time: 0,
      }),
    ).toEqual({ type: "output", stream: "stdout", offset: 0, text: "a" });
    expect(output.push({ stream: "stdout", data: euro.subarray(2), offset: 3, time: 0 })).toEqual({
      type: "output",
      stream: "stdout",
      offset: 1,
      text: "€",
    });
    expect(output.flush()).toEqual([]);
  });
});

describe("what people read", () => {
  it("says in one line what changed and what to do", () => {
    expect(describePending({ ...RUN, changes: { added: 2, modified: 0, deleted: 1, pending: 3 } })).toBe(
      "Changed files: 2 added, 1 deleted. Review with: sandpiper changes r-1; write with: sandpiper apply r-1",
    );
    expect(describePending({ ...RUN, changes: { added: 0, modified: 0, deleted: 0, pending: 0 } })).toBeUndefined();
  });

  it("shows names so that they cannot steer a terminal", () => {
    const change = {
      path: "a\u001B[2Jb",
      kind: "added",
      decision: "pending",
      isProtected: true,
      status: "conflict",
    } as const;

    expect(describeChange(change)).toBe("A a\\u{1b}[2Jb (conflict: changed here too, protected)");
    expect(describeApplied("r-1", { applied: ["\u202Ex"], merged: [], conflicts: [], held: [] })).toEqual([
      "Written: \\u{202e}x",
    ]);
  });
});

describe("writing to a terminal", () => {
  it("waits until what it wrote was taken", async () => {
    const taken: string[] = [];
    const slow = new Writable({
      highWaterMark: 1,
      write: (chunk: Buffer, _, done) => setImmediate(() => (taken.push(chunk.toString()), done())),
    });
    const output = new TerminalOutput(slow);

    await output.write("one");
    expect(taken).toEqual(["one"]);
    void output.write("two");
    await output.flush();
    expect(taken.join("")).toBe("onetwo");
  });

  it("goes quiet when nobody reads any more, and says so once", async () => {
    let breaks = 0;
    const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
    const output = new TerminalOutput(broken, () => void (breaks += 1));

    await output.write("x");
    await new Promise((resolve) => setImmediate(resolve));
    await output.write("y");
    await output.flush();

    expect(breaks).toBe(1);
  });
});
