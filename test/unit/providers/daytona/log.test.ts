import { spawn } from "node:child_process";
import { buffer, text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { demultiplex } from "../../../../src/providers/daytona/demultiplex.ts";
import { readLog } from "../../../../src/providers/daytona/log-stream.ts";
import { PERL_RELAY, SHELL_RELAY } from "../../../../src/providers/daytona/relay-script.ts";
import { createStartFilter } from "../../../../src/providers/daytona/start-filter.ts";

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const base64 = (bytes: Buffer | string): string => Buffer.from(bytes).toString("base64");

async function* toChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

/** What comes of a log that arrives in pieces of that size. */
async function take(log: string, size: number): Promise<{ stdout: Buffer; stderr: Buffer }> {
  const { stdout, stderr, ready } = demultiplex(toChunks(Buffer.from(log, "latin1"), size));
  const [out, err] = await Promise.all([buffer(stdout), buffer(stderr), ready]);
  return { stdout: out, stderr: err };
}

describe("a log of Daytona's", () => {
  const lines = [`R`, `O${base64(ALL_BYTES)}`, `E${base64("err")}`, `O${base64("\x01\x01\x01\x02")}`];

  it.each([1, 2, 3, 4, 5, 7, 64, 100_000])("gives each stream to the byte, in pieces of %i bytes", async (size) => {
    const { stdout, stderr } = await take(lines.map((line) => `\x01\x01\x01${line}\n`).join(""), size);

    expect(stdout.equals(Buffer.concat([ALL_BYTES, Buffer.from("\x01\x01\x01\x02")]))).toBe(true);
    expect(stderr.toString()).toBe("err");
  });

  it("needs no marks in front of lines, nor whole ones", async () => {
    const { stdout, stderr } = await take(`R\n\x01Oaa==\n\x02\x02Eaa==\nOYg==\n`, 2);

    expect([stdout.length, stderr.length]).toEqual([2, 1]);
  });

  it("drops what is none of the relay's, and a line that is cut off", async () => {
    const { stdout, stderr } = await take(
      `\x02\x02\x02bash: warning\n\x01\x01\x01O${base64("yes")}\nO${base64("no")}`,
      9,
    );

    expect([stdout.toString(), stderr.toString()]).toEqual(["yes", ""]);
  });
});

describe("the relay inside", () => {
  it.each([
    ["perl", ["perl", "-e", PERL_RELAY, "--"]],
    // Without the lines that look for perl.
    ["sh", ["sh", "-c", SHELL_RELAY.replace(/^for perl[^]*?^done$/m, ""), "sh"]],
  ])("in %s brings every byte in and out, and tells the end of input", async (_name, argv) => {
    const [program = "", ...rest] = argv;
    const command = ["sh", "-c", "cat; printf '\\000\\001\\377' >&2"];
    const relay = spawn(program, [...rest, ...command]);
    const input = Buffer.concat(Array.from({ length: 40 }, () => ALL_BYTES));
    relay.stdin.end(`${base64(input.subarray(0, 5000))}\n${base64(input.subarray(5000))}\n.\n`);

    const log = await text(relay.stdout);

    expect(log).toMatch(/^R\n/);
    const { stdout, stderr } = await take(log, 1000);
    expect(stdout.equals(input)).toBe(true);
    expect([...stderr]).toEqual([0, 1, 255]);
    for (const line of log.split("\n")) expect(line).toMatch(/^(?:R|[OE][A-Za-z0-9+/]+=*)?$/);
  });
});

async function readAll(url: string, signal = new AbortController().signal): Promise<string> {
  let all = "";
  for await (const chunk of readLog({ url, headers: {} }, signal)) all += chunk.toString();
  return all;
}

describe("following a log", () => {
  const servers: WebSocketServer[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      for (const client of server.clients) client.terminate();
      server.close();
    }
  });

  /** `answer` is called for each connection, which is the nth. */
  async function serve(answer: (socket: WebSocket, attempt: number) => void): Promise<string> {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    servers.push(server);
    let attempt = 0;
    server.on("connection", (socket) => answer(socket, ++attempt));
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    return `ws://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
  }

  it("loses and repeats nothing when its connection breaks, at any place", async () => {
    const log = "one two three four five";
    const url = await serve((socket, attempt) => {
      socket.send(Buffer.from(log.slice(0, attempt * 5)), () => {
        if (attempt < 5) socket.terminate();
        else socket.close(1000);
      });
    });

    expect(await readAll(url)).toBe(log);
  });

  it("is over when the server says so, and not asked for again", async () => {
    let attempts = 0;
    const url = await serve((socket) => {
      attempts++;
      socket.close(1000);
    });

    expect(await readAll(url)).toBe("");
    expect(attempts).toBe(1);
  });

  it("ends with the signal while nothing comes", async () => {
    const controller = new AbortController();
    const url = await serve(() => controller.abort());

    expect(await readAll(url, controller.signal)).toBe("");
  });
});

describe("what a terminal shows before its command", () => {
  it("is left out, up to the mark's line, however it is cut", async () => {
    const shown = Buffer.from("$ exec x\r\nmark\r\nhello");
    for (const size of [1, 3, 100]) {
      const filter = createStartFilter("mark");
      let left = "";
      for await (const chunk of toChunks(shown, size)) left += Buffer.from(filter.push(chunk)).toString();

      expect(left).toBe("hello");
      await filter.started;
    }
  });
});
