import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Door, type Said } from "./door.ts";

let door: Door;

beforeEach(async () => {
  door = await Door.open();
  await door.write("kept.txt", "kept\n");
  await door.write("edited.txt", "first\n");
});

afterEach(() => door.close());

/** Says it, and fails with what the command line said when it failed. */
async function ok(...args: readonly string[]): Promise<string> {
  const said = await door.say(args);
  expect(said).toMatchObject({ code: 0 });
  return said.stdout.toString();
}

async function take(name: string): Promise<string> {
  return (await ok("snapshots", "take", name)).split(" ")[0] ?? "";
}

function toLines(text: string): readonly string[] {
  return text.split("\n").filter(Boolean);
}

function toEvents({ stdout }: Pick<Said, "stdout">): readonly Readonly<Record<string, unknown>>[] {
  return toLines(stdout.toString()).map((line): Readonly<Record<string, unknown>> => JSON.parse(line));
}

describe("sandpiper snapshots", () => {
  it("takes, lists, shows, names, pins and deletes", async () => {
    const id = await take("before");
    await door.write("edited.txt", "second\n");
    const second = await take("after");

    const listed = toLines(await ok("snapshots"));
    expect(listed).toHaveLength(2);
    expect(listed[0]).toMatch(new RegExp(`^${second}  .* "after" \\(taken by hand\\)  2 files, 12 B$`));
    expect(toLines(await ok("snapshots", "show", id)).slice(1)).toEqual([
      "-        6 B  edited.txt",
      "-        5 B  kept.txt",
    ]);
    expect(await ok("snapshots", "rename", id, "old")).toContain('"old"');
    expect(await ok("snapshots", "pin", id)).toContain("pinned");
    expect(await ok("snapshots", "unpin", id)).not.toContain("pinned");
    await ok("snapshots", "delete", "last");
    expect(toLines(await ok("snapshots", "list", "--all"))).toHaveLength(1);
  });

  it("tells two apart as git does", async () => {
    await door.write("moved.txt", "what moves is long enough\n");
    const id = await take("a");
    await door.write("edited.txt", "second\n");
    await door.write("sub/moved.txt", "what moves is long enough\n");
    await rm(join(door.workspace, "moved.txt"));
    await rm(join(door.workspace, "kept.txt"));
    const other = await take("b");

    expect(toLines(await ok("snapshots", "diff", id, other))).toEqual([
      "M\tedited.txt",
      "D\tkept.txt",
      "R\tmoved.txt\tsub/moved.txt",
    ]);
    const [change] = toEvents({ stdout: Buffer.from(await ok("snapshots", "diff", id, other, "--json")) });
    expect(change).toMatchObject({ path: "edited.txt", kind: "modified", after: { sizeBytes: 7 } });
  });

  it("brings the workspace back: shows what it takes, and does it with --apply", async () => {
    await door.write(".gitignore", "*.log\n");
    const id = await take("good");
    await door.write("edited.txt", "broken\n");
    await door.write("new.txt", "new\n");
    await door.write("debug.log", "log\n");
    await rm(join(door.workspace, "kept.txt"));

    const shown = toLines(await ok("snapshots", "restore", id));
    expect(shown.slice(0, 3)).toEqual(["M edited.txt", "A kept.txt", "D new.txt"]);
    expect(shown[3]).toMatch(/^Changed files: .* sandpiper apply /);
    expect(await door.read("edited.txt")).toBe("broken\n");

    const applied = toEvents(await door.say(["snapshots", "restore", id, "--apply", "--json"]));
    expect(applied.map(({ type }) => type)).toEqual(["change-set", "changes", "applied", "end"]);
    expect(await door.read("edited.txt")).toBe("first\n");
    expect(await door.read("kept.txt")).toBe("kept\n");
    expect([door.has("new.txt"), door.has("debug.log")]).toEqual([false, true]);
    // What was there before the restore is a snapshot itself.
    expect(await ok("snapshots", "list")).toContain("before a restore");
  });

  it("lets what a restore would change be decided as a run's changes are", async () => {
    const id = await take("good");
    await door.write("edited.txt", "broken\n");
    await door.write("new.txt", "new\n");
    const shown = await ok("snapshots", "restore", id);
    const changeSetId = /sandpiper apply (\S+)/.exec(shown)?.[1] ?? "";

    await ok("apply", changeSetId, "edited.txt");
    await ok("discard", changeSetId, "new.txt");

    expect(await door.read("edited.txt")).toBe("first\n");
    expect(await door.read("new.txt")).toBe("new\n");
    expect(toLines(await ok("changes", changeSetId))).toEqual(["M edited.txt (applied)", "D new.txt (discarded)"]);
  });

  it("carries a snapshot as one file into another workspace", async () => {
    await door.write("bin/tool", "#!/bin/sh\n");
    const id = await take("to go");
    const file = join(door.folder, "out.snapshot");
    const other = join(door.folder, "other");
    await door.write("../other/stays.txt", "stays\n");

    await ok("snapshots", "export", id, file);
    const again = await door.say(["snapshots", "export", id, file]);
    expect([again.code, again.stderr]).toEqual([125, expect.stringContaining("out.snapshot")]);
    await ok("snapshots", "import", file, "--workspace", other);
    const restored = await door.say(["snapshots", "restore", "last", "--apply"], { cwd: other });

    expect(restored.stderr).toBe("");
    expect(await door.read("../other/bin/tool")).toBe("#!/bin/sh\n");
    expect(await door.read("../other/edited.txt")).toBe("first\n");
    expect(door.has("../other/stays.txt")).toBe(false);
  });

  it("fills a new sandbox, whose session goes on from there", async () => {
    await door.run("echo made > made.txt");
    const [session] = toEvents(await door.say(["sessions", "--json"]));
    await ok("snapshots", "take", "--session", String(session?.["id"]));
    await ok("destroy", String(session?.["id"]));
    expect(await ok("sessions")).toMatch(/restorable .* from snapshot /);

    await ok("snapshots", "restore", "last", "--session");
    const { stdout } = await door.run("cat made.txt edited.txt");

    expect(stdout.toString()).toBe("made\nfirst\n");
    expect(await ok("sessions")).toMatch(/running /);
  });

  it.each([
    [["snapshots", "frobnicate"], /There is no command "snapshots frobnicate", but list, show/],
    [["snapshots", "show"], /Say which one/],
    [["snapshots", "diff", "a"], /Say which two/],
    [["snapshots", "export", "a"], /which file to write/],
    [["snapshots", "import"], /which file to read/],
    [["snapshots", "rename", "a"], /Say the name/],
    [["snapshots", "restore", "a", "--apply", "--session"], /--apply writes into the workspace/],
    [["snapshots", "restore", "a", "--provider", "docker"], /with --session/],
    [["snapshots", "show", "nope"], /There is no snapshot "nope"/],
    [["storage", "--max-age", "soon"], /--max-age is a whole number/],
    [["why"], /Say which file/],
    [["allow-secret"], /fingerprints/],
  ])("says what is wrong with %j", async (args, message) => {
    const { code, stderr } = await door.say(args);

    expect([code, stderr]).toEqual([125, expect.stringMatching(message)]);
  });
});

describe("sandpiper pull", () => {
  it("shows what the newest session holds that nobody has decided about, and writes it with --apply", async () => {
    await door.run("echo made > made.txt; echo second > edited.txt", "--pull", "none");

    const events = toEvents(await door.say(["pull", "--json"]));
    expect(events.map(({ type }) => type)).toEqual(["change-set", "changes", "end"]);
    expect(events[1]).toMatchObject({
      changes: [
        { path: "edited.txt", kind: "modified" },
        { path: "made.txt", kind: "added" },
      ],
    });
    expect(door.has("made.txt")).toBe(false);
    expect(await ok("pull", "--apply")).toContain("Written: edited.txt, made.txt");
    expect(await door.read("edited.txt")).toBe("second\n");
  });

  it("says how to get a session when there is none", async () => {
    const { code, stderr } = await door.say(["pull"]);

    expect([code, stderr]).toEqual([125, expect.stringContaining("snapshots restore ID --session")]);
  });
});

it("says what snapshots take, and keeps what is said about how long", async () => {
  await take("one");

  expect(await ok("storage", "--max-age", "7")).toMatch(
    /^1 snapshot, .* on disk\nKept: at most \d+ in a workspace, 7 days/,
  );
  expect(toEvents({ stdout: Buffer.from(await ok("storage", "--json")) })[0]).toMatchObject({
    policy: { maxAgeDays: 7 },
  });
});
