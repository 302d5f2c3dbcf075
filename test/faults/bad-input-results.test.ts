import { existsSync, lstatSync, readdirSync } from "node:fs";
import { chmod, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Door } from "./door.ts";

let door: Door;

beforeEach(async () => {
  door = await Door.open();
});

afterEach(() => door.close());

/** Typed, where vitest's matcher is any. */
function textMatching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern);
}

function list(): readonly string[] {
  return readdirSync(door.workspace).sort();
}

describe("hostile results", () => {
  it("that are links out of the workspace are not brought back, and said so (security 3-5)", async () => {
    const { code, stderr } = await door.run(
      "ln -s /etc/passwd absolute; ln -s ../../climbs climbs; mkdir d; ln -s ../a.txt d/good; echo a > a.txt; ln -s .git/config git",
    );

    expect(code).toBe(0);
    for (const name of ["absolute", "climbs", "git"])
      expect(stderr).toMatch(new RegExp(`${name} was not brought back: it is a link`));
    expect(await door.changes()).toEqual(["A a.txt", "A d/good"]);
    expect((await door.say(["apply", "last"])).code).toBe(0);
    expect(await door.read("d/good")).toBe("a\n");
    expect(list()).toEqual([".git", "a.txt", "d"]);
  });

  it("never reach what a link of the user's leads to (security 5)", async () => {
    const outside = join(door.folder, "outside");
    await mkdir(outside);
    await door.run("mkdir out; echo bad > out/file");
    await symlink(outside, join(door.workspace, "out"));

    const { code, stdout, stderr } = await door.say(["apply", "last"]);

    expect(code).not.toBe(0);
    expect(stdout.toString() + stderr).toMatch(/out/);
    expect(readdirSync(outside)).toEqual([]);
  });

  it("for Git and the editor are held until they are named (security 10)", async () => {
    const { stderr } = await door.run(
      "mkdir -p .git/hooks .vscode; echo bad > .git/hooks/post-commit; echo '{}' > .vscode/tasks.json; echo '{}' > .mcp.json; echo ok > plain",
    );

    expect(stderr).toMatch(/3 added/);
    expect(await door.changes()).toEqual([
      "A .mcp.json (protected: agents follow it by themselves)",
      "A .vscode/tasks.json (protected: your editor acts on it by itself)",
      "A plain",
    ]);
    const applied = await door.say(["apply", "last"]);
    expect(applied.code).toBe(1);
    expect(applied.stdout.toString()).toMatch(
      /Written: plain\nLeft alone, as tools act on them .*\.mcp\.json, \.vscode\/tasks\.json/,
    );
    expect([door.has(".vscode"), existsSync(join(door.workspace, ".git/hooks"))]).toEqual([false, false]);
    expect((await door.say(["apply", "last", ".vscode/tasks.json"])).stdout.toString()).toBe(
      "Written: .vscode/tasks.json\n",
    );
    expect(await door.read(".vscode/tasks.json")).toBe("{}\n");
  });

  it("with names that would act on a terminal are shown escaped and come back as they are (security 9)", async () => {
    await door.run(
      String.raw`printf x > "$(printf 'a\nb')"; printf y > "$(printf 'c\033[31m')"; printf z > "$(printf 'd\342\200\256e')"`,
    );

    const { stdout } = await door.say(["changes", "last"]);
    const applied = await door.say(["apply", "last"]);

    expect(stdout.toString()).toBe(
      String.raw`A a\u{a}b` + "\n" + String.raw`A c\u{1b}[31m` + "\n" + String.raw`A d\u{202e}e` + "\n",
    );
    for (const raw of ["\u001B", "\u202E", "a\nb"]) expect(applied.stdout.includes(raw)).toBe(false);
    expect(list()).toEqual([".git", "a\nb", "c\u001B[31m", "d\u202Ee"]);
  });

  it("lose setuid bits, and pipes and sockets stay behind (security 13)", async () => {
    const { code } = await door.run(
      "cp /bin/true tool; chmod 6755 tool; mkfifo pipe; chmod 0777 . ; echo x > plain; chmod 0666 plain",
    );

    expect(code).toBe(0);
    expect(await door.changes()).toEqual(["A plain", "A tool"]);
    await door.say(["apply", "last"]);
    expect(lstatSync(join(door.workspace, "tool")).mode & 0o7777).toBe(0o755);
    expect(lstatSync(join(door.workspace, "plain")).mode & 0o7777 & ~0o066).toBe(0o600);
  });

  it("that swap files and folders are told truly and applied truly", async () => {
    await door.write("file", "f");
    await door.write("folder/inner", "i");
    await door.write("emptied/inner", "i");

    await door.run("rm file; mkdir file; echo n > file/new; rm -r folder; echo n > folder; rm emptied/inner");

    expect(await door.changes()).toEqual(
      ["D emptied/inner", "D file", "A file/new", "A folder", "D folder/inner"].sort((a, b) =>
        a.slice(2) < b.slice(2) ? -1 : 1,
      ),
    );
    expect((await door.say(["apply", "last"])).code).toBe(0);
    expect([await door.read("file/new"), await door.read("folder")]).toEqual(["n\n", "n\n"]);
  });

  it("that delete everything are told, and delete only when applied", async () => {
    for (const path of ["a", "b/c", ".hidden", "b/d/e"]) await door.write(path, path);

    const { code, stderr } = await door.run("rm -rf ./* .[!.]*");

    expect([code, stderr]).toEqual([0, textMatching(/4 deleted/)]);
    expect(await door.read("b/c")).toBe("b/c");
    expect(await door.changes()).toEqual(["D .hidden", "D a", "D b/c", "D b/d/e"]);
    // The sandbox gets it all again.
    await door.say(["discard", "last"]);
    expect((await door.run("cat b/d/e")).stdout.toString()).toBe("b/d/e");
    await door.run("rm -rf ./* .hidden");
    expect((await door.say(["apply", "last"])).code).toBe(0);
    for (const path of ["a", "b/c", ".hidden", "b/d/e"]) expect(door.has(path)).toBe(false);
  });

  it("that delete the workspace's folder itself hurt nothing here, and the next run gets a new one", async () => {
    await door.write("a", "still here");

    const { code, stderr } = await door.run("cd /; rm -rf $HOME/workspace");
    const next = await door.run("cat a");

    expect([code, stderr]).toEqual([125, textMatching(/folder is gone from the sandbox.*next run/)]);
    expect([next.code, next.stdout.toString()]).toEqual([0, "still here"]);
    expect(await door.read("a")).toBe("still here");
  });

  it("of thousands of files and one of 200 MB come back whole", async () => {
    await door.write(
      "many.py",
      "import os\nfor i in range(3000):\n    if i % 100 == 0: os.makedirs(f'd{i//100}')\n    open(f'd{i//100}/f{i}', 'w').write(str(i))\n",
    );

    const { stderr } = await door.run("python3 many.py; head -c 200000000 /dev/zero > big");

    expect(stderr).toMatch(/3001 added/);
    expect((await door.say(["apply", "last"])).code).toBe(0);
    expect(lstatSync(join(door.workspace, "big")).size).toBe(200_000_000);
    expect(await door.read("d29/f2999")).toBe("2999");
    expect(readdirSync(join(door.workspace, "d7")).length).toBe(100);
  });
});

describe("a file that changed here too (security 14)", () => {
  it("is left alone and told of, and overwritten when that is asked for", async () => {
    await door.write("both.txt", "as sent\n");
    await door.write("gone.txt", "as sent\n");
    await door.run("echo theirs > both.txt; echo theirs > gone.txt; echo theirs > new.txt");
    await door.write("both.txt", "ours\n");
    await door.write("new.txt", "ours\n");
    await rm(join(door.workspace, "gone.txt"));

    expect(await door.changes()).toEqual([
      "M both.txt (conflict: changed here too)",
      "M gone.txt (conflict: changed here too)",
      "A new.txt (conflict: changed here too)",
    ]);
    const { code, stdout } = await door.say(["apply", "last"]);
    expect(code).toBe(1);
    expect(stdout.toString()).toMatch(
      /^Left alone, as they changed here meanwhile: both\.txt, gone\.txt, new\.txt\. Overwrite with: .*--overwrite/,
    );
    expect([await door.read("both.txt"), await door.read("new.txt"), door.has("gone.txt")]).toEqual([
      "ours\n",
      "ours\n",
      false,
    ]);

    const overwritten = await door.say(["apply", "last", "--overwrite", "both.txt"]);

    expect([overwritten.code, overwritten.stdout.toString()]).toEqual([0, "Written: both.txt\n"]);
    expect([await door.read("both.txt"), await door.read("new.txt")]).toEqual(["theirs\n", "ours\n"]);
  });

  it("in mid-run counts as changed here", async () => {
    await door.write("both.txt", "as sent\n");

    const { stderr } = await door.say(
      ["run", "--pull", "apply", "--", "sh", "-c", "echo up; sleep 0.7; echo theirs > both.txt"],
      {
        onOutput: () => void door.write("both.txt", "ours\n"),
      },
    );

    expect(stderr).toMatch(/Left alone, as they changed here meanwhile: both\.txt/);
    expect(await door.read("both.txt")).toBe("ours\n");
  });
});

describe("a decision", () => {
  it("is made once: what was applied is neither applied again nor taken back", async () => {
    await door.run("echo 1 > a; echo 2 > b");
    await door.say(["apply", "last", "a"]);
    await door.write("a", "edited since\n");

    const again = await door.say(["apply", "last"]);
    const discarded = await door.say(["discard", "last"]);

    expect([again.code, again.stdout.toString()]).toEqual([0, "Written: b\n"]);
    expect([discarded.code, await door.read("a")]).toEqual([0, "edited since\n"]);
    expect(await door.changes()).toEqual(["A a (applied)", "A b (applied)"]);
  });

  it("about what the run did not change is refused", async () => {
    await door.run("echo 1 > a");

    const { code, stderr } = await door.say(["apply", "last", "../etc/passwd"]);

    expect([code, stderr]).toEqual([125, "sandpiper: ../etc/passwd is none of these changes.\n"]);
  });

  it("that two callers make at once is made once", async () => {
    await door.run("for i in 1 2 3 4 5 6 7 8; do echo $i > f$i; done");

    const both = await Promise.all([door.say(["apply", "last"]), door.say(["apply", "last"])]);

    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(list()).toEqual([".git", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8"]);
  });

  it("that cannot be carried out says why, and can be made again", async () => {
    await door.run("mkdir d; echo 1 > d/a");
    await writeFile(join(door.workspace, "d"), "a file here");

    const blocked = await door.say(["apply", "last"]);
    await rm(join(door.workspace, "d"));
    const done = await door.say(["apply", "last"]);

    expect([blocked.code, blocked.stdout.toString() + blocked.stderr]).toEqual([1, textMatching(/d\/a/)]);
    expect([done.code, await door.read("d/a")]).toEqual([0, "1\n"]);
  });

  it("about a workspace that is gone says so, and the results stay", async () => {
    await door.write("a", "1");
    await door.run("echo 2 > a; echo 3 > b");
    await rm(door.workspace, { recursive: true });

    const { code, stderr, stdout } = await door.say(["apply", "last"], { cwd: door.folder });

    expect(code).toBe(125);
    expect(stdout.toString() + stderr).toMatch(/The workspace .* is not there\. Put it back/);
    await mkdir(door.workspace);
    await chmod(door.workspace, 0o755);
    expect((await door.say(["apply", "last", "b"])).code).toBe(0);
    expect(await readFile(join(door.workspace, "b"), "utf8")).toBe("3\n");
  });
});
