import { execFileSync } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { textWith } from "../rig/docker/harness.ts";
import { Door } from "./door.ts";

let door: Door;

beforeAll(async () => {
  door = await Door.open();
  await door.write(".gitignore", "ignored.py\nbuild/\n");
  await door.write(".sandboxignore", "boxed.py\n");
  for (const path of ["ignored.py", "build/deep.py", "boxed.py", ".env", "id_rsa", "folder/x", "what.xyz", "noext"])
    await door.write(path, "print(1)\n");
  await door.write("strange.sh", "#!/usr/bin/env no-such-thing\n");
  await door.write("calls.sh", "no-such-thing a\n");
  await symlink("nowhere", join(door.workspace, "dangling.py"));
  await symlink("/etc/passwd", join(door.workspace, "outside.py"));
  await symlink("ignored.py", join(door.workspace, "to-ignored.py"));
  execFileSync("mkfifo", [join(door.workspace, "pipe.py")]);
  await door.write("large.py", "");
  execFileSync("truncate", ["--size=60M", join(door.workspace, "large.py")]);
  await writeFile(join(door.folder, "outer.py"), "print(1)\n");
  await mkdir(join(door.folder, "elsewhere"));
});

afterAll(() => door.close());

describe.concurrent("a script that cannot be run", () => {
  it.each([
    ["that does not exist", "nope.py", /nope\.py cannot be run: it does not exist\. Check its name/],
    ["that .gitignore leaves out", "ignored.py", /left out by "ignored\.py" in \.gitignore:\d+\. .*\.sandboxignore/],
    ["in a folder that .gitignore leaves out", "build/deep.py", /left out by "build\/" in \.gitignore:\d+\./],
    ["that .sandboxignore leaves out", "boxed.py", /left out by "boxed\.py" in \.sandboxignore:\d+\./],
    ["that may hold secrets (security 16)", ".env", /held back .*credentials; .*"!\.env" to \.sandboxignore/],
    ["that is a key (security 16)", "id_rsa", /held back .*credentials; .*"!id_rsa" to \.sandboxignore/],
    ["that is a folder", "folder", /folder is a folder; choose a file/],
    ["that is the workspace", ".", /a folder; choose a file/],
    ["without a name", "", /choose a file/],
    ["outside of the workspace", "../outer.py", /not in the workspace .* name the folder with --workspace/],
    ["with an absolute path elsewhere", "/etc/passwd", /not in the workspace/],
    [
      "in a language that nobody knows",
      "what.xyz",
      /does not know how to run what\.xyz.*#!.*sandpiper\.run\.languages/,
    ],
    ["without a language", "noext", /does not know how to run noext.*without an extension/],
    ["that is a link to nothing", "dangling.py", /it is a link to nothing/],
    ["that is a link out of the workspace (security 18)", "outside.py", /it is a link to outside of the workspace/],
    ["that is a link to what is not sent", "to-ignored.py", /link to ignored\.py, which is not sent \(left out by/],
    ["that is a pipe", "pipe.py", /it is a pipe, a socket or a device/],
    ["that is too large", "large.py", /larger than the limit \(60\.0 MiB; the limit is 50\.0 MiB\)/],
  ])("%s is told of before anything is made for it", async (_what, path, message) => {
    const { code, stdout, stderr } = await door.say(["run", path]);

    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^sandpiper: [^\n]*\n$/);
    expect([code, stdout.length]).toEqual([125, 0]);
    expect((await door.say(["sessions"])).stdout.toString()).toBe("");
  });

  it("in JSON is an error event and an end", async () => {
    const { code, stdout } = await door.say(["run", "--json", "nope.py"]);

    const events: unknown[] = stdout
      .toString()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events).toEqual([
      { type: "error", code: "invalid", message: textWith("does not exist") },
      { type: "end", exitCode: 125 },
    ]);
    expect(code).toBe(125);
  });
});

describe("what the sandbox does not have", () => {
  it.each([
    ["an interpreter", ["run", "strange.sh"], /is no-such-thing there\? Install no-such-thing on this machine/],
    ["a command", ["run", "--", "no-such-thing"], /is no-such-thing there\? Install no-such-thing on this machine/],
    ["a file to run", ["run", "--", "./gone"], /is \.\/gone in the workspace/],
    ["what a script calls", ["run", "calls.sh"], /Something that the script calls was not found/],
  ])("%s, ends with 127 and a note on what to do", async (_what, args, message) => {
    const { code, stderr } = await door.say(args);

    expect(code).toBe(127);
    expect(stderr).toMatch(message);
    expect((await door.lastRun()).exit).toEqual({ kind: "exited", code: 127 });
  });
});

describe("a workspace that cannot be sent", () => {
  it("is told of when it is not there, or no folder", async () => {
    const gone = await door.say(["run", "--workspace", join(door.folder, "gone"), "--", "true"]);
    const file = await door.say(["run", "--workspace", join(door.folder, "outer.py"), "--", "true"]);

    expect([gone.code, file.code]).toEqual([125, 125]);
    for (const { stderr } of [gone, file]) expect(stderr).toMatch(/is not a folder\. Open a folder that exists/);
  });

  it("is told of when it would be a whole home folder", async () => {
    const { code, stderr } = await door.say(["run", "--", "true"], { cwd: door.folder });

    expect(code).toBe(125);
    expect(stderr).toMatch(/would be all of .*--workspace/);
  });
});
