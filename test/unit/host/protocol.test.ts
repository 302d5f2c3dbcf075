import { spawnSync } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toEngineEnv } from "../../../src/host/engine-env.ts";
import { createFrameReader } from "../../../src/host/frame-stream.ts";
import { listenAlone } from "../../../src/host/listen.ts";
import { toSocketPath } from "../../../src/host/socket-path.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sandpiper-host-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function read(chunks: readonly Uint8Array[], maxBytes = 1000): { frames: unknown[]; errors: [string, boolean][] } {
  const frames: unknown[] = [];
  const errors: [string, boolean][] = [];
  const reader = createFrameReader(
    (frame) => frames.push(frame),
    (message, isFatal) => errors.push([message, isFatal]),
    maxBytes,
  );
  for (const chunk of chunks) reader.push(chunk);
  return { frames, errors };
}

describe("frames", () => {
  it("come out as they went in, however the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(fc.string(), fc.string()), { maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (sent, cuts) => {
          const bytes = Buffer.from(sent.map((frame) => `${JSON.stringify(frame)}\n`).join(""));
          const chunks: Uint8Array[] = [];
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const length = cuts[turn % cuts.length] ?? 1;
            chunks.push(bytes.subarray(at, at + length));
            at += length;
          }
          expect(JSON.stringify(read(chunks, 1e6).frames)).toBe(JSON.stringify(sent));
        },
      ),
    );
  });

  it("that are no JSON are told of, and the next is read", () => {
    expect(read([Buffer.from('nonsense\n{"a":1}\n')])).toEqual({
      frames: [{ a: 1 }],
      errors: [["A frame was not JSON.", false]],
    });
  });

  it("that are too long end it, without keeping the bytes", () => {
    const { frames, errors } = read([Buffer.alloc(600, "x"), Buffer.alloc(600, "x"), Buffer.from('\n{"a":1}\n')]);

    expect(frames).toEqual([]);
    expect(errors).toEqual([["A frame was longer than 1000 bytes.", true]]);
  });
});

describe("the engine's environment", () => {
  it("has what programs need (ssh its agent, for Docker hosts behind it) and nothing of the window that starts it", () => {
    const env = {
      PATH: "/bin",
      HOME: "/h",
      DOCKER_HOST: "tcp://x",
      XDG_RUNTIME_DIR: "/run",
      LC_ALL: "C",
      SANDPIPER_STATE: "/s",
      VSCODE_IPC_HOOK_CLI: "x",
      SSH_AUTH_SOCK: "/run/agent",
      GITHUB_TOKEN: "x",
      AWS_SECRET_ACCESS_KEY: "x",
      NODE_OPTIONS: "x",
      DOCKER_AUTH_CONFIG: "x",
      SANDPIPER_TOKEN: "x",
      E2B_API_URL: "https://api.e2b.example",
      E2B_API_KEY: "x",
      DAYTONA_API_URL: "https://daytona.example/api",
      DAYTONA_API_KEY: "x",
    };

    expect(Object.keys(toEngineEnv(env, false)).sort()).toEqual([
      "DAYTONA_API_URL",
      "DOCKER_HOST",
      "E2B_API_URL",
      "HOME",
      "LC_ALL",
      "PATH",
      "SANDPIPER_STATE",
      "SSH_AUTH_SOCK",
      "XDG_RUNTIME_DIR",
    ]);
    expect(toEngineEnv({}, true)).toEqual({ ELECTRON_RUN_AS_NODE: "1" });
  });
});

describe("the socket", () => {
  it("is in the state folder, and in a private one when that would make its path too long", () => {
    expect(toSocketPath("/home/u/.local/state/sandpiper", "linux")).toBe(
      "/home/u/.local/state/sandpiper/engine-v1.sock",
    );
    expect(toSocketPath(`/home/${"u".repeat(100)}`, "linux", "/tmp")).toMatch(
      /^\/tmp\/sandpiper-\d+-[a-f0-9]{16}\/engine-v1\.sock$/,
    );
    expect(toSocketPath("C:\\x", "win32")).toMatch(/^\\\\\.\\pipe\\sandpiper-[a-f0-9]{16}-v1$/);
  });

  it("belongs to one engine when many start at once, and to nobody else on the machine", async () => {
    const path = join(folder, "s.sock");
    const servers = Array.from({ length: 8 }, () => createServer());

    const won = await Promise.all(servers.map((server) => listenAlone(server, path)));

    expect(won.filter(Boolean).length).toBe(1);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    for (const server of servers) server.close();
  });

  it("of an engine that died is replaced", async () => {
    const path = join(folder, "s.sock");
    leaveStaleSocket(path);
    expect((await stat(path)).isSocket()).toBe(true);
    const server = createServer();

    expect(await listenAlone(server, path)).toBe(true);

    server.close();
  });
});

// A server that is closed removes its socket; one that is killed does not.
function leaveStaleSocket(path: string): void {
  const listen = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  expect(spawnSync(process.execPath, ["-e", listen]).signal).toBe("SIGKILL");
}
