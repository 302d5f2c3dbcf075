import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toStateFolder } from "../../../../src/sessions/state-folder.ts";
import { createReadResults } from "../../../../src/sessions/cells/read-results.ts";
import { createReadText } from "../../../../src/ui/cells/read-text.ts";
import { makeTempFolder, removeFolder } from "../../../rig/temp-folder.ts";
import { writeLog, writeRaw, writeResults } from "./cell-world.ts";

const COUNT = { kind: "count", count: 1 } as const;
const TEXT = { kind: "result", data: { "text/plain": "ü" }, isMain: true } as const;

let root = "";
let folder = toStateFolder({ SANDPIPER_STATE: "/" });

beforeEach(() => {
  root = makeTempFolder();
  folder = toStateFolder({ SANDPIPER_STATE: root });
});
afterEach(() => removeFolder(root));

describe("createReadResults", () => {
  it("goes on where it ended, and leaves a line that is not whole for the next time", async () => {
    const readResults = createReadResults(folder);
    const whole = `${JSON.stringify(TEXT)}\n`;
    await writeResults(folder, "r", COUNT);
    await writeRaw(folder, "r", whole.slice(0, 10));
    const first = await readResults("r", 0);
    await writeRaw(folder, "r", whole.slice(10));
    const second = await readResults("r", first.nextOffset);

    expect(first.outputs).toEqual([COUNT]);
    expect(second.outputs).toEqual([TEXT]);
    expect(await readResults("r", second.nextOffset)).toEqual({ outputs: [], nextOffset: second.nextOffset });
  });

  it("reads nothing of a run that has shown nothing", async () => {
    expect(await createReadResults(folder)("none", 0)).toEqual({ outputs: [], nextOffset: 0 });
  });

  it("keeps the place of lines that make no sense", async () => {
    await writeRaw(folder, "r", '{oops\nnull\n{"kind":"result","data":{"a":1,"b":"x"}}\n');
    const { outputs } = await createReadResults(folder)("r", 0);

    expect(outputs).toEqual([
      { kind: "result", data: {}, isMain: false },
      { kind: "result", data: {}, isMain: false },
      { kind: "result", data: { b: "x" }, isMain: false },
    ]);
  });
});

describe("createReadText", () => {
  it("tells the streams apart, and puts together what belongs to one", async () => {
    await writeLog(folder, "r", ["stdout", "a"], ["stdout", "b"], ["stderr", "c"], ["stdout", "d"]);

    expect(await createReadText(folder)("r")).toEqual({
      pieces: [
        { stream: "stdout", text: "ab" },
        { stream: "stderr", text: "c" },
        { stream: "stdout", text: "d" },
      ],
      skippedBytes: 0,
    });
  });

  it("reads the end of what is long, and says how much comes before", async () => {
    await writeLog(folder, "r", ["stdout", "x".repeat(200 * 1024)], ["stderr", "end"]);
    const { pieces, skippedBytes } = await createReadText(folder)("r");

    expect(skippedBytes).toBe(72 * 1024 + 3);
    expect(pieces.map(({ text }) => text.length)).toEqual([128 * 1024 - 3, 3]);
  });

  it("lets no sequence through that steers a terminal", async () => {
    await writeLog(folder, "r", ["stdout", "a\u001b]52;c;x\u0007b\u001b[31mc"]);

    expect((await createReadText(folder)("r")).pieces).toEqual([{ stream: "stdout", text: "ab\u001b[31mc" }]);
  });
});
