import type { App, ModalClient, Sandbox } from "modal";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EMULATOR_TOKEN } from "../emulators/modal/credentials.ts";
import { type ModalEmulator, startModalEmulator } from "../emulators/modal/modal-emulator.ts";

const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };
let emulator: ModalEmulator;
let modal: ModalClient;
let app: App;

beforeAll(async () => {
  emulator = await startModalEmulator();
  process.env["MODAL_SERVER_URL"] = emulator.url;
  process.env["MODAL_CONFIG_PATH"] = "/nonexistent";
  const sdk = await import("modal");
  modal = new sdk.ModalClient({ ...EMULATOR_TOKEN, logger: SILENT });
  app = await modal.apps.fromName("emulator-test", { createIfMissing: true });
});

afterAll(async () => {
  modal.close();
  await emulator.close();
});

describe("Modal's SDK runs commands in the emulator", () => {
  it("with separate streams, input, variables and an exit code", async () => {
    const sandbox = await newSandbox({ env: { OF_SANDBOX: "one" } });

    const ended = await run(sandbox, ["sh", "-c", "echo $OF_SANDBOX $OF_COMMAND; echo err >&2; cat; exit 3"], {
      env: { OF_COMMAND: "two" },
      stdin: "typed\n",
    });

    expect(ended).toEqual({ stdout: "one two\ntyped\n", stderr: "err\n", code: 3 });
  });

  it("where one command sees another's files and processes and can signal its group", async () => {
    const sandbox = await newSandbox();
    const first = await sandbox.exec(["sh", "-c", "sleep 1000 & echo $$ >/tmp/pid; echo there; wait"]);
    await first.stdout.getReader().read();

    const second = await run(sandbox, ["sh", "-c", 'kill -TERM -"$(cat /tmp/pid)"']);

    expect(second.code).toBe(0);
    expect(await first.wait()).toBe(128 + 15);
  });
});

function ignore(): void {}

async function newSandbox(params: object = {}): Promise<Sandbox> {
  return modal.sandboxes.create(app, modal.images.fromRegistry("python:3.13"), params);
}

async function run(
  sandbox: Sandbox,
  argv: string[],
  { stdin, ...params }: { env?: Record<string, string>; workdir?: string; stdin?: string } = {},
): Promise<{ stdout: string; stderr: string; code: number }> {
  const process = await sandbox.exec(argv, params);
  if (stdin !== undefined) await process.stdin.writeText(stdin);
  await process.stdin.close();
  const [stdout, stderr, code] = await Promise.all([
    process.stdout.readText(),
    process.stderr.readText(),
    process.wait(),
  ]);
  return { stdout, stderr, code };
}
