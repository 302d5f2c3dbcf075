import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Door } from "./door.ts";
import { AS_ORDINARY_USER, withReadOnly, withSmallDisk } from "./worlds.ts";

let door: Door;

beforeEach(async () => {
  door = await Door.open();
});

afterEach(() => door.close());

/** The record of the newest run, on disk. */
async function findRunRecord(): Promise<string> {
  const runs = (await readdir(join(door.state, "runs"))).sort();
  return join(door.state, "runs", runs.at(-1) ?? "", "record.json");
}

describe("a state folder that cannot be used", () => {
  it("is told of when it is on a read-only disk", async () => {
    const parent = join(door.folder, "readonly");
    await mkdir(parent);

    const { code, stderr } = await door.say(["run", "--", "true"], {
      inside: withReadOnly(parent),
      env: { SANDPIPER_STATE: join(parent, "state") },
    });

    expect(stderr).toMatch(
      /^sandpiper: Sandpiper cannot use .*readonly\/state: .*Make room or mend its permissions, or set SANDPIPER_STATE/,
    );
    expect(code).toBe(125);
  });

  it("is told of when you may not write to it", async () => {
    const parent = join(door.folder, "closed");
    await mkdir(parent, { mode: 0o500 });

    const { code, stderr } = await door.say(["run", "--", "true"], {
      inside: AS_ORDINARY_USER,
      env: { SANDPIPER_STATE: join(parent, "state") },
    });

    expect(stderr).toMatch(/cannot use .*EACCES.*set SANDPIPER_STATE to another folder/);
    expect(code).toBe(125);
  });

  it("is told of when it is a file", async () => {
    await writeFile(door.state, "mine");

    const { code, stderr } = await door.say(["run", "--", "true"]);

    expect([code, await readFile(door.state, "utf8")]).toEqual([125, "mine"]);
    expect(stderr).toMatch(/cannot use .*set SANDPIPER_STATE to another folder/);
    await rename(door.state, `${door.state}.file`);
  });

  it("may be named by where you are", async () => {
    const env = { SANDPIPER_STATE: "relative" };
    const { code, stdout } = await door.say(["run", "--", "echo", "ran"], { cwd: door.workspace, env });
    const runs = await door.say(["runs"], { cwd: door.workspace, env });
    const log = readFileSync(join(door.workspace, "relative", "engine.log"), "utf8");
    process.kill(Number(/^\S+ (\d+) /.exec(log)?.[1]), "SIGTERM");

    expect([code, stdout.toString(), runs.stdout.toString().trim().split("\n").length]).toEqual([0, "ran\n", 1]);
    expect(existsSync(join(door.workspace, "relative", "relative"))).toBe(false);
  });
});

/** Calls the command line ("$@") from a script, on a small disk that is gone when the last process on it is. */
async function sayAll(script: string): Promise<{ code: number | null; text: string }> {
  const inside = [
    "timeout",
    "50",
    ...withSmallDisk(door.state, 24),
    "sh",
    "-c",
    `${script}\nkill $(sed -n 's/^[^ ]* \\([0-9]*\\) info The engine .* listens.*/\\1/p' "$SANDPIPER_STATE/engine.log")`,
    "sh",
  ];
  await mkdir(door.state);
  const { code, stdout, stderr } = await door.say([], { inside });
  return { code, text: stdout.toString() + stderr };
}

describe("a full disk under the state folder", () => {
  it("loses the rest of the output, says so, and the command goes on to its end", async () => {
    const { text } = await sayAll(`
      "$@" run -- sh -c 'head -c 40000000 /dev/zero; echo end >&2; exit 3' >/dev/null; echo code $?
      "$@" runs | cut -c 1-40 | sed 's/^[^ ]* *//'`);

    expect(text).toMatch(/code 3/);
    expect(text).toMatch(/Output after \d+ bytes was not kept: ENOSPC/);
    expect(text).toMatch(/exit 3/);
  });

  it("refuses a run that cannot be recorded, and takes it once there is room", async () => {
    const { text } = await sayAll(`
      "$@" run -- true; echo first $?
      dd if=/dev/zero of="$SANDPIPER_STATE/fill" bs=4096 2>/dev/null
      dd if=/dev/zero of="$SANDPIPER_STATE/fill2" bs=1 2>/dev/null
      "$@" run -- true; echo full $?
      rm "$SANDPIPER_STATE/fill" "$SANDPIPER_STATE/fill2"
      "$@" run -- true; echo again $?
      "$@" runs | wc -l`);

    expect(text).toMatch(/first 0\n/);
    expect(text).toMatch(/full 125\n/);
    expect(text).toMatch(/sandpiper: .*(?:ENOSPC|no space|disk is full)/i);
    expect(text).toMatch(/again 0\n/);
  });

  it("says that results could not be brought back, and brings them once there is room", async () => {
    const { text } = await sayAll(`
      "$@" run -- true
      dd if=/dev/zero of="$SANDPIPER_STATE/fill" bs=1M count=20 2>/dev/null
      "$@" run -- sh -c 'head -c 8000000 /dev/urandom > "$HOME/workspace/made" || echo no room inside'; echo full $?
      rm "$SANDPIPER_STATE/fill"
      "$@" run -- true; echo again $?
      "$@" runs | tail -n 3`);

    expect(text).toMatch(/full \d+\n/);
    expect(text).toMatch(/no room inside|could not be brought back|ENOSPC|disk is full/i);
    expect(text).toMatch(/again 0\n/);
  });
});

describe("records that are damaged or newer", () => {
  it("of runs are kept aside, never removed; the others are there", async () => {
    await door.run("echo one");
    const damaged = await findRunRecord();
    await door.run("echo two");
    await door.endEngine();
    await writeFile(damaged, "{ not json");

    const { code, stdout } = await door.say(["runs"]);

    expect(code).toBe(0);
    expect(stdout.toString().trim().split("\n").length).toBe(1);
    const kept = readdirSync(join(damaged, "..")).filter((name) => name.startsWith("record.json.damaged-"));
    expect(kept.map((name) => readFileSync(join(damaged, "..", name), "utf8"))).toEqual(["{ not json"]);
    expect((await door.run("echo three")).stdout.toString()).toBe("three\n");
  });

  it("of runs by a newer Sandpiper are left as they are", async () => {
    await door.run("echo one");
    const file = await findRunRecord();
    await door.endEngine();
    const newer = (await readFile(file, "utf8")).replace('"version":1', '"version":2');
    await writeFile(file, newer);

    const { code } = await door.say(["runs"]);

    expect([code, await readFile(file, "utf8")]).toEqual([0, newer]);
    expect(readFileSync(join(door.state, "engine.log"), "utf8")).toMatch(/was written by a newer Sandpiper\. Update/);
  });

  it.each([
    ["damaged", (): string => "\0\0\0"],
    ["newer", (text: string): string => text.replace('"version":1', '"version":9')],
  ])("of sessions that are %s cost a new sandbox and nothing else", async (_how, change) => {
    await door.write("a", "1");
    await door.run("echo 2 > a");
    const name = readdirSync(join(door.state, "ledger")).find((entry) => entry.endsWith(".json")) ?? "";
    await door.endEngine();
    const file = join(door.state, "ledger", name);
    await writeFile(file, change(await readFile(file, "utf8")));

    const { code, stdout } = await door.run("cat a");

    expect([code, stdout.toString()]).toEqual([0, "1"]);
    expect(readdirSync(join(door.state, "ledger")).some((entry) => entry.startsWith(name))).toBe(true);
    const engine = await door.connect();
    const first = (await engine.listRuns()).at(-1);
    await engine.applyChanges(first?.id ?? "", "all", []);
    expect(await door.read("a")).toBe("2\n");
  });

  it("of changes and contents that are damaged are never written", async () => {
    await door.run("echo results > a");
    const store = join(door.state, "store");
    const objects = readdirSync(store, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    for (const { parentPath, name } of objects) {
      await chmod(join(parentPath, name), 0o600);
      await writeFile(join(parentPath, name), "forged!\n");
    }

    const { code, stdout, stderr } = await door.say(["apply", "last"]);

    expect(objects.length).toBeGreaterThan(0);
    expect(code).not.toBe(0);
    expect(stdout.toString() + stderr).toMatch(/damaged|does not match|corrupt|not what/i);
    expect(door.has("a")).toBe(false);
  });

  it("of how files were left are made anew", async () => {
    await door.write("a", "1\n");
    await door.run("echo x > b");
    await door.endEngine("SIGKILL");
    const ledger = join(door.state, "ledger");
    for (const entry of readdirSync(ledger, { recursive: true, withFileTypes: true }))
      if (entry.name.endsWith(".manifest")) await writeFile(join(entry.parentPath, entry.name), "junk");
    for (const entry of readdirSync(join(door.state, "cache"), { withFileTypes: true }))
      if (entry.isFile()) await writeFile(join(entry.parentPath, entry.name), "junk");

    const { code, stdout } = await door.run("cat a");

    expect([code, stdout.toString()]).toEqual([0, "1\n"]);
    const sessions = (await door.say(["sessions", "--json"])).stdout.toString();
    expect(sessions).toContain("What its sandbox held was not known any more, so it was destroyed.");
  });

  it("may all be gone: the workspace is what counts", async () => {
    await door.write("a", "1\n");
    await door.run("echo x > b");
    await door.endEngine();
    await rename(door.state, `${door.state}.old`);

    expect((await door.run("cat a")).stdout.toString()).toBe("1\n");
  });
});

describe("an engine that ends and is started again", () => {
  it("goes on with the session that there was", async () => {
    await door.run("echo made > $HOME/outside-of-workspace");
    await door.endEngine();

    const { stdout, stderr } = await door.run("cat $HOME/outside-of-workspace");

    expect([stdout.toString(), stderr]).toEqual(["made\n", ""]);
  });
});
