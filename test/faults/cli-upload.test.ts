import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Door } from "./door.ts";

// Assembled here, so that no scanner of this repository takes it for one.
const TOKEN = ["ghp", "R7dK2mQ9xV4bN8sW1tY6zJ3hL5cF0gPaEuXi"].join("_");

let door: Door;

beforeEach(async () => {
  door = await Door.open();
  await door.write("config.py", `# settings\nTOKEN = "${TOKEN}"\n`);
});

afterEach(() => door.close());

interface Finding {
  readonly path: string;
  readonly line: number;
  readonly kind: string;
  readonly fingerprint: string;
}

interface ErrorEvent {
  readonly type: string;
  readonly code?: string;
  readonly findings?: readonly Finding[];
}

async function findBlocked(): Promise<Finding> {
  const { stdout, code } = await door.run("true", "--json");
  const events = stdout
    .toString()
    .trim()
    .split("\n")
    .map((line): ErrorEvent => JSON.parse(line));
  expect(code).toBe(125);
  const error = events.find(({ type }) => type === "error");
  expect(error).toMatchObject({ code: "blocked" });
  const finding = error?.findings?.[0];
  if (!finding) throw new Error("Nothing was found.");
  return finding;
}

describe("a run of a workspace that holds a credential", () => {
  it("sends nothing and says where it is and how to go on", async () => {
    const { code, stdout, stderr } = await door.run("echo ran");

    expect([code, stdout.toString()]).toEqual([125, ""]);
    expect(stderr).toMatch(/config\.py:2 {2}.*fingerprint \S+/);
    expect(stderr).toContain("--allow-secret ");
    expect(stderr).toContain("sandpiper allow-secret ");
    expect(stderr).toContain("a line in .sandboxignore, such as /config.py");
    expect(stderr).not.toContain(TOKEN);
    expect((await door.say(["runs"])).stdout.toString()).toContain("blocked");
  });

  it("goes on when its fingerprint is allowed this once, and asks again after that", async () => {
    const { fingerprint, path, line } = await findBlocked();
    expect([path, line]).toEqual(["config.py", 2]);

    const { code, stdout } = await door.run("tail -n 1 config.py", "--allow-secret", fingerprint);

    expect([code, stdout.toString()]).toEqual([0, `TOKEN = "${TOKEN}"\n`]);
    // What the sandbox has is not sent again.
    await door.write("more.py", `A = "${TOKEN}"\n`);
    await findBlocked();
  });

  it("goes on with --allow-secrets", async () => {
    expect((await door.run("true", "--allow-secrets")).code).toBe(0);
  });

  it("goes on for good once it is allowed in the workspace", async () => {
    const { fingerprint } = await findBlocked();

    expect((await door.say(["allow-secret", fingerprint])).code).toBe(0);

    expect((await door.run("true")).code).toBe(0);
    await door.write("more.py", `A = "${TOKEN}"\n`);
    expect((await door.run("true")).code).toBe(0);
  });

  it("goes on without the file when it is left out", async () => {
    await findBlocked();
    await door.write(".sandboxignore", "/config.py\n");

    const { code, stdout } = await door.run("ls");

    expect([code, stdout.toString()]).toEqual([0, ""]);
  });
});

it("sends nothing over the limit of a run, and says what takes most", async () => {
  await door.write("config.py", "");
  await door.write("data/large.bin", Buffer.alloc(2 << 20, "x"));

  const { code, stderr } = await door.run("true", "--max-upload", "1M");

  expect([code, stderr]).toEqual([125, expect.stringMatching(/2\.0 MiB {2}data\//)]);
  expect((await door.run("true", "--max-upload", "3M")).code).toBe(0);
});

it("previews what a run would send, what stays here and what blocks it", async () => {
  await door.write(".env", "A=1\n");
  await door.write("a.txt", "abc");

  const { code, stdout } = await door.say(["preview"]);

  expect(code).toBe(0);
  expect(stdout.toString()).toMatch(/^2 files, .*; to be sent: 2 files/);
  expect(stdout.toString()).toMatch(/Not sent:\n {2}\.env: /);
  expect(stdout.toString()).toMatch(/config\.py:2 /);
  expect(JSON.parse((await door.say(["preview", "--json"])).stdout.toString())).toMatchObject({
    sentCount: 2,
    skipped: [
      { path: ".env", kind: "secret" },
      { path: ".git", kind: "built-in" },
    ],
  });
});

it.each([
  ["config.py", 0, /^config\.py is sent: no rule leaves it out$/],
  [".env", 1, /^\.env is not sent: /],
  ["build/x.o", 1, /^build\/x\.o is not sent: .*\.gitignore/],
  ["nowhere", 1, /^nowhere is not sent: it does not exist/],
] as const)("says why %s is or is not sent", async (path, code, line) => {
  await door.write(".env", "A=1\n");
  await door.write(".gitignore", "build/\n");
  await door.write("build/x.o", "x");

  const said = await door.say(["why", path]);

  expect([said.code, said.stdout.toString().trim()]).toEqual([code, expect.stringMatching(line)]);
});
