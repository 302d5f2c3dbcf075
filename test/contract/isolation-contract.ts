import { createServer } from "node:net";
import { expect, it } from "vitest";
import type { Sandbox } from "../../src/core/sandbox.ts";
import type { ContractSubject } from "./contract-subject.ts";
import { newCall, runToEnd } from "./run-to-end.ts";

const CONNECT = `
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)
    print("connected")
except OSError as error:
    print("refused", error)
`;

/** What a command may not reach or use up. */
export function testIsolation(open: () => Sandbox, subject: ContractSubject): void {
  it("shows no variable of the host's environment", async () => {
    process.env["SANDPIPER_CONTRACT_SECRET"] = "hunter2";
    try {
      const { stdout } = await runToEnd(open(), [
        "sh",
        "-c",
        "env; cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'",
      ]);

      expect(stdout).not.toContain("hunter2");
    } finally {
      delete process.env["SANDPIPER_CONTRACT_SECRET"];
    }
  });

  it("runs as an unprivileged user", async () => {
    const { stdout } = await runToEnd(open(), ["sh", "-c", "id -u; grep CapEff /proc/self/status"]);

    expect(Number(stdout.split("\n")[0])).toBeGreaterThan(0);
    if (stdout.includes("CapEff")) expect(stdout).toMatch(/CapEff:\s+0+\n/);
  });

  it("has no network when it is to have none, not even the host's loopback", async () => {
    const server = createServer((socket) => socket.end("host"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address ? String(address.port) : "0";
    try {
      const local = await runToEnd(open(), ["python3", "-c", CONNECT, "127.0.0.1", port]);
      const metadata = await runToEnd(open(), ["python3", "-c", CONNECT, "169.254.169.254", "80"]);

      expect(subject.spec.network).toBe("none");
      expect(local.stdout).toContain("refused");
      expect(metadata.stdout).toContain("refused");
    } finally {
      server.close();
    }
  });

  it("contains a fork bomb, and stays usable", async () => {
    const { stdout } = await runToEnd(open(), [
      "python3",
      "-c",
      "import os, time\nn = 0\ntry:\n    while n < 5000:\n        if os.fork() == 0: time.sleep(30); os._exit(0)\n        n += 1\nexcept OSError: pass\nprint(n)",
    ]);

    if (subject.cannot?.limitProcesses) expect(subject.cannot.limitProcesses).not.toBe("");
    else expect(Number(stdout)).toBeLessThanOrEqual(subject.spec.maxProcesses);
    expect(Number(stdout)).toBeGreaterThan(0);
    expect((await runToEnd(open(), ["echo", "alive"])).stdout).toBe("alive\n");
  });

  const code = `x = []\nfor _ in range(${subject.spec.memoryMiB * 2}): x.append(b"x" * (1024 * 1024))\nprint("took it all")`;

  it.runIf(subject.cannot?.surviveMemory)(
    "ends, and says so, when a command takes more memory than there is",
    async () => {
      const own = await subject.newProvider().create(subject.spec, newCall());

      const { status } = await runToEnd(own, ["python3", "-c", code]);

      expect(status).toEqual({
        kind: "lost",
        reason: expect.stringContaining(`${subject.spec.memoryMiB} MiB`) as unknown,
      });
      await own.destroy(newCall());
    },
  );

  it.skipIf(subject.cannot?.surviveMemory)(
    "stops a command that takes more memory than there is, and stays usable",
    async () => {
      const { stdout, status } = await runToEnd(open(), ["python3", "-c", code]);

      if (subject.cannot?.limitMemory) expect(subject.cannot.limitMemory).not.toBe("");
      else {
        expect(stdout).not.toContain("took it all");
        expect(status).not.toEqual({ kind: "exited", code: 0 });
      }
      expect((await runToEnd(open(), ["echo", "alive"])).stdout).toBe("alive\n");
    },
  );
}
