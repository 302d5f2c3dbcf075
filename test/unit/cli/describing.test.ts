import { describe, expect, it } from "vitest";
import { describeApplied, describeChange } from "../../../src/cli/describe-changes.ts";
import { toSessionState, describeSession } from "../../../src/cli/describe-session.ts";
import { describeDiff, describeFile, describeSnapshot } from "../../../src/cli/describe-snapshot.ts";
import { describeSize } from "../../../src/sessions/describe-size.ts";
import { describeBlocked, describePreview } from "../../../src/cli/describe-upload.ts";
import { DEFAULT_TARGET } from "../../../src/sessions/default-target.ts";
import type { SessionRecord } from "../../../src/sessions/records.ts";
import type { SnapshotRecord } from "../../../src/sessions/snapshot-records.ts";

const SNAPSHOT: SnapshotRecord = {
  version: 1,
  id: "s-1",
  treeHash: "a".repeat(64),
  baseTreeHash: "a".repeat(64),
  workspaceRoot: "/w",
  isPinned: false,
  cause: "push",
  target: DEFAULT_TARGET,
  envNames: [],
  createdAt: "2026-01-02T03:04:05.000Z",
  fileCount: 2,
  totalBytes: 2048,
};
const SESSION: SessionRecord = {
  version: 1,
  id: "e-1",
  name: "x",
  workspaceRoot: "/w",
  target: DEFAULT_TARGET,
  boundary: "namespaces",
  state: "ready",
  createdAt: "2026-01-02T03:04:05.000Z",
  expiresAt: "2026-01-02T04:04:05.000Z",
  lastUsedAt: "2026-01-02T03:04:05.000Z",
};
const FILE = { type: "file", sha256: "b".repeat(64), sizeBytes: 3, executable: false } as const;
const FINDING = { path: "src/a.py", line: 3, kind: "GitHub token", hint: "ghp_…(40)", fingerprint: "f1" };

describe("a snapshot", () => {
  it("is a row with its time, what made it, what it holds and whose it is", () => {
    expect(describeSnapshot(SNAPSHOT, false)).toBe("s-1  2026-01-02 03:04 UTC  sent to local  2 files, 2.0 KiB");
    expect(
      describeSnapshot({ ...SNAPSHOT, name: "be\u001Bfore", isPinned: true, cause: "request", sessionId: "e-1" }, true),
    ).toBe('s-1  2026-01-02 03:04 UTC  "be\\u{1b}fore" (taken by hand)  2 files, 2.0 KiB  pinned  session e-1  /w');
  });

  it("says who holds its files too, and until when", () => {
    const accelerated = { providerId: "modal", until: "2026-01-09T03:04:05.000Z" } as const;
    expect(describeSnapshot({ ...SNAPSHOT, accelerated }, false)).toBe(
      "s-1  2026-01-02 03:04 UTC  sent to local  2 files, 2.0 KiB  at modal until 2026-01-09",
    );
  });

  it("shows what is in it as ls does", () => {
    expect(
      [
        { path: "run.sh", entry: { ...FILE, executable: true } },
        { path: "empty", entry: { type: "directory" } as const },
        { path: "link", entry: { type: "link", target: "run.sh" } as const },
      ].map(describeFile),
    ).toEqual(["x        3 B  run.sh", "d             empty/", "l             link -> run.sh"]);
  });

  it("differs from another as git tells it, and a rename is one line", () => {
    expect(
      describeDiff([
        { path: "a", kind: "modified" },
        { path: "new", kind: "added", after: FILE, renamedFrom: "old" },
        { path: "next", kind: "added" },
        { path: "old", kind: "deleted", before: FILE },
        { path: "other", kind: "deleted" },
      ]),
    ).toEqual(["M\ta", "R\told\tnew", "A\tnext", "D\tother"]);
  });
});

describe("a session", () => {
  it.each([
    ["ready", [], { kind: "running" }],
    ["creating", [], { kind: "starting" }],
    ["paused", [{ ...SNAPSHOT, sessionId: "e-1" }], { kind: "paused" }],
    ["destroying", [], { kind: "ending" }],
    ["ended", [], { kind: "lost" }],
    ["ended", [{ ...SNAPSHOT, sessionId: "e-2" }], { kind: "lost" }],
    [
      "ended",
      [
        { ...SNAPSHOT, id: "s-2", sessionId: "e-1" },
        { ...SNAPSHOT, sessionId: "e-1" },
      ],
      { kind: "restorable", snapshotId: "s-2" },
    ],
  ] as const)("that is %s with these snapshots is told of truthfully: %#", (state, snapshots, expected) => {
    expect(toSessionState({ ...SESSION, state }, snapshots)).toEqual(expected);
  });

  it("that left an image when it ended says which", () => {
    expect(describeSession({ ...SESSION, exitImage: "im-1" }, { kind: "restorable", snapshotId: "s-2" })).toBe(
      "e-1  restorable  local  namespaces  from snapshot s-2  image im-1  /w",
    );
  });

  it("that is gone says from what it can be restored, or why it is lost", () => {
    expect(describeSession(SESSION, { kind: "running" })).toBe(
      "e-1  running     local  namespaces  until 2026-01-02 04:04 UTC  /w",
    );
    expect(describeSession(SESSION, { kind: "restorable", snapshotId: "s-2" })).toBe(
      "e-1  restorable  local  namespaces  from snapshot s-2  /w",
    );
    expect(describeSession({ ...SESSION, endReason: "The machine was restarted." }, { kind: "lost" })).toBe(
      "e-1  lost        local  namespaces  The machine was restarted.  /w",
    );
  });
});

describe("a run that is held back", () => {
  it("shows every finding with its line, and three ways out", () => {
    expect(describeBlocked({ kind: "secrets", findings: [FINDING] })).toEqual([
      "  src/a.py:3  GitHub token ghp_…(40)  fingerprint f1",
      "Go on in one of these ways:",
      "  this once      sandpiper run --allow-secret f1 …",
      "  for good       sandpiper allow-secret f1",
      "  leave it out   a line in .sandboxignore, such as /src/a.py",
    ]);
  });

  it("names each credential once, and does not print pages of them", () => {
    const findings = Array.from({ length: 30 }, (_, index) => ({
      ...FINDING,
      line: index,
      fingerprint: `f${index % 5}`,
    }));

    const lines = describeBlocked({ kind: "secrets", findings });

    expect(lines).toContain("  … and 10 more; --json has them all");
    expect(lines).toContain("  this once      sandpiper run --allow-secrets …");
  });

  it("for its size says what takes most, and two ways out", () => {
    const largest = [{ path: "data/", sizeBytes: 3 * 2 ** 30 }];

    expect(describeBlocked({ kind: "size", totalBytes: 2 ** 32, limitBytes: 2 ** 30, largest })).toEqual([
      "The limit is 1.0 GiB. What takes most:",
      "    3.0 GiB  data/",
      "Go on in one of these ways:",
      "  send it        sandpiper run --max-upload 2G …",
      "  leave it out   a line in .sandboxignore, such as /data/",
    ]);
  });
});

it("previews what is sent, what stays and what blocks", () => {
  const lines = describePreview({
    files: [
      { path: "a", sizeBytes: 3, isSent: true },
      { path: "b", sizeBytes: 4, isSent: false },
    ],
    totalBytes: 7,
    sentBytes: 3,
    sentCount: 1,
    skipped: [{ path: ".env", reason: "it may hold secrets", kind: "secret" }],
    findings: [FINDING],
  });

  expect(lines).toEqual([
    "2 files, 7 B; to be sent: 1 file, 3 B",
    "        3 B  a",
    "Not sent:",
    "  .env: it may hold secrets",
    "Looks like credentials, and blocks the run until it is decided:",
    "  src/a.py:3  GitHub token ghp_…(40)  fingerprint f1",
  ]);
});

it.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [1024 * 1023.96, "1024 KiB"],
  [3 * 2 ** 40, "3.0 TiB"],
])("%d bytes are %s", (bytes, text) => {
  expect(describeSize(bytes)).toBe(text);
});

it.each([
  ["ready", "M a"],
  ["same", "M a (already so here)"],
  ["merge", "M a (changed here too: will be merged)"],
  ["conflict", "M a (conflict: changed here too)"],
] as const)("a change that is %s is told as %s", (status, line) => {
  expect(describeChange({ path: "a", kind: "modified", decision: "pending", isProtected: false, status })).toBe(line);
});

it("a change that is a rename says from where", () => {
  const change = { path: "b", kind: "added", decision: "applied", isProtected: false, status: "same" } as const;

  expect(describeChange({ ...change, renamedFrom: "a" })).toBe("A b (renamed from a, applied)");
});

it("a change that has to be named says why", () => {
  const change = { path: ".zshrc", kind: "added", decision: "pending", isProtected: true, status: "ready" } as const;

  expect(describeChange({ ...change, protectedBecause: "your shell runs it" })).toBe(
    "A .zshrc (protected: your shell runs it)",
  );
});

it("what was applied tells apart what was merged, left alone and held back", () => {
  expect(describeApplied("r-1", { applied: ["a", "b"], merged: ["b"], conflicts: ["c"], held: ["d"] })).toEqual([
    "Written: a, b",
    "Of those merged with what changed here: b",
    "Left alone, as they changed here meanwhile: c. Overwrite with: sandpiper apply r-1 --overwrite PATH…",
    "Left alone, as tools act on them by themselves: d. See why with: sandpiper changes r-1; write with: sandpiper apply r-1 PATH…",
  ]);
});
