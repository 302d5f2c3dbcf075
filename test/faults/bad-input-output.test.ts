import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toRunFolder, toStateFolder } from "../../src/sessions/state-folder.ts";
import { toBytesFile } from "../../src/sessions/run-log-format.ts";
import { Door } from "./door.ts";

const MIB = 1024 ** 2;
const MAX_ENGINE_MIB = 300;

let door: Door;

beforeAll(async () => {
  door = await Door.open();
});

afterAll(() => door.close());

/** Writes the bytes 0 to 255 over and over, `mib` MiB of them. */
function toFlood(mib: number): string {
  return `import sys\nblock = bytes(range(256)) * 4096\nfor _ in range(${mib}): sys.stdout.buffer.write(block)\n`;
}

function sha256(...parts: readonly Uint8Array[]): string {
  const digest = createHash("sha256");
  for (const part of parts) digest.update(part);
  return digest.digest("hex");
}

async function sayHashed(args: readonly string[]): Promise<{ code: number | null; sha256: string; sizeBytes: number }> {
  const digest = createHash("sha256");
  let sizeBytes = 0;
  const { code } = await door.say(args, {
    onData: (data) => {
      digest.update(data);
      sizeBytes += data.length;
    },
  });
  return { code, sha256: digest.digest("hex"), sizeBytes };
}

async function readEnginePeakMiB(): Promise<number> {
  const [pid] = await door.enginePids();
  const status = await readFile(`/proc/${pid ?? 0}/status`, "latin1");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

describe("a command that says a lot (security 31, 32)", () => {
  it("is heard in full: 100 MB of every byte on stdout and in the log, in bounded memory", async () => {
    await door.write("flood.py", toFlood(100));
    const block = Buffer.alloc(
      MIB,
      Uint8Array.from({ length: 256 }, (_, at) => at),
    );
    const expected = sha256(...Array.from({ length: 100 }, () => block));

    const heard = await sayHashed(["run", "flood.py"]);

    expect(heard).toEqual({ code: 0, sha256: expected, sizeBytes: 100 * MIB });
    const { id } = await door.lastRun();
    const log = await readFile(toBytesFile(toRunFolder(toStateFolder({ SANDPIPER_STATE: door.state }), id)));
    expect(sha256(log)).toBe(expected);
    expect(await readEnginePeakMiB()).toBeLessThan(MAX_ENGINE_MIB);
  });

  it("on one line of 50 MB is heard in full too", async () => {
    const sizeBytes = 50 * MIB;

    const heard = await sayHashed(["run", "--", "sh", "-c", `head -c ${sizeBytes} /dev/zero | tr '\\0' x`]);

    expect(heard).toEqual({ code: 0, sha256: sha256(Buffer.alloc(sizeBytes, "x")), sizeBytes });
    expect(await readEnginePeakMiB()).toBeLessThan(MAX_ENGINE_MIB);
  });

  it("in binary, half of it on stderr, is heard byte for byte", async () => {
    const { code, stdout, stderr } = await door.run(`printf 'a\\0b\\377\\r\\n\\033[2J'; printf '\\0err\\0' >&2`);

    expect([code, stdout.toString("latin1"), stderr]).toEqual([0, "a\0b\u00FF\r\n\u001B[2J", "\0err\0"]);
  });

  it("and never stops is stopped all the same", async () => {
    const { code, stderr, ms } = await door.run("yes", "--timeout", "500ms");

    expect(stderr).toMatch(/stopped: its time was up/);
    expect([code, ms < 6000]).toEqual([130, true]);
    expect((await door.run("echo next")).stdout.toString()).toBe("next\n");
  });
});
