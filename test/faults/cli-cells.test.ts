import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Door } from "./door.ts";

const ANALYSIS = `# %% Values
x = 41
print("set", __name__)
# %% [markdown]
# Words.
# %%
class Plot:
    def __repr__(self): return "a plot"
    def _repr_svg_(self): return "<svg/>"
display(Plot())
print(open("data.txt").read())
x + 1
# %%
1 / 0
# %%
print("never")
`;

let door: Door;

beforeEach(async () => {
  door = await Door.open();
  await door.write("analysis.py", ANALYSIS);
  await door.write("data.txt", "data");
});
afterEach(() => door.close());

describe("cells on the command line", () => {
  it("go on from one another, call after call, and see what was edited between them", async () => {
    const first = await door.say(["run", "--cell", "1", "analysis.py"]);
    await door.write("data.txt", "edited");
    const second = await door.say(["run", "--cell", "2", "--results", "out", "analysis.py"]);

    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(first.stdout.toString()).toBe("set __main__\n");
    expect(second.code).toBe(0);
    expect(second.stdout.toString().split("\n").sort()).toEqual(["", "42", "a plot", "edited"]);
    expect(second.stderr).toBe(`sandpiper: Saved out/analysis-2-1.svg\nsandpiper: Saved out/analysis-2-2.txt\n`);
    expect(await readFile(join(door.workspace, "out", "analysis-2-1.svg"), "utf8")).toBe("<svg/>");
  });

  it("run one after the other up to the first that fails, and its code is the call's", async () => {
    const { code, stdout, stderr } = await door.say(["run", "--cell", "all", "--quiet", "analysis.py"]);

    expect(code).toBe(1);
    expect(stdout.toString()).toMatch(/^set __main__\n/);
    expect(stdout.toString()).not.toContain("never");
    expect(stderr).toMatch(/File "analysis\.py", line 14[^]*ZeroDivisionError/);
  });

  it("are one stream of events that ends once", async () => {
    const { stdout } = await door.say(["run", "--cell", "all", "--json", "analysis.py"]);

    const events = stdout.toString().trimEnd().split("\n");
    const types = events.map((line): { readonly type: string } => JSON.parse(line)).map(({ type }) => type);
    expect(types.filter((type) => type === "end")).toHaveLength(1);
    expect(types.at(-1)).toBe("end");
    expect(types.filter((type) => type === "result").length).toBeGreaterThan(3);
  });

  it("have contexts that can be listed and restarted", async () => {
    await door.say(["run", "--cell", "1", "analysis.py"]);

    const listed = await door.say(["contexts", "last"]);
    const restarted = await door.say(["contexts", "last", "restart", "analysis.py"]);
    const after = await door.say(["run", "--cell", "2", "analysis.py"]);
    const unknown = await door.say(["contexts", "last", "restart", "other.py"]);

    expect(listed.stdout.toString()).toMatch(/^[0-9a-f]+ {2}python {2}analysis\.py {2}1 cell\n$/);
    expect(restarted.stdout.toString()).toMatch(/analysis\.py {2}0 cells\n$/);
    expect(after).toMatchObject({ code: 1 });
    expect(after.stderr).toContain("name 'x' is not defined");
    expect(unknown).toMatchObject({ code: 125 });
    expect(unknown.stderr).toMatch(/has no context "other\.py"/);
  });
});
