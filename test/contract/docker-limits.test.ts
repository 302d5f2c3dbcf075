import { createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { hasGvisor } from "../rig/docker/daemon.ts";
import {
  finish,
  newCall,
  newProvider,
  newSandbox,
  run,
  sh,
  testDaemon,
  textWith,
  useTestDaemon,
} from "../rig/docker/harness.ts";

useTestDaemon();

describe("isolation", () => {
  it("runs commands as a user without capabilities, without a way to more, under seccomp", async () => {
    const sandbox = await newSandbox();

    const status = await sh(
      sandbox,
      "id -u; grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t' | sort",
    );

    const nothing = "0000000000000000";
    expect(status.split("\n")).toEqual(["1000", `CapBnd:${nothing}`, `CapEff:${nothing}`, "NoNewPrivs:1", "Seccomp:2"]);
  });

  it("shows nothing of the host: no mount, no socket, no other process", async () => {
    const sandbox = await newSandbox();

    const mounts = await sh(sandbox, "cut -d' ' -f5 /proc/self/mountinfo | grep -vE '^/(proc|sys|dev|tmp|$)' | sort");
    const processes = await sh(sandbox, "ls /proc | grep -cE '^[0-9]+$'");

    expect(mounts.split("\n")).toEqual(["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"]);
    expect(Number(processes)).toBeLessThan(15);
    expect(await sh(sandbox, "ls /var/run/docker.sock 2>/dev/null; echo none")).toBe("none");
  });

  it("reaches nothing without network, and this machine with it", async () => {
    const server = createServer((_request, response) => response.end("reached"));
    await new Promise<void>((resolve) => {
      server.listen(0, testDaemon().gateway, resolve);
    });
    const address = server.address();
    const url = `http://${testDaemon().gateway}:${typeof address === "object" ? address?.port : ""}/`;
    const get = ["python3", "-c", `import urllib.request as u; print(u.urlopen("${url}", timeout=5).read())`];

    const [closed, open] = await Promise.all([newSandbox(), newSandbox({ network: "full" })]);
    const refused = await run(closed, get);
    const reached = await run(open, get);
    server.close();

    expect(refused.stderr).toContain("Network is unreachable");
    expect(await sh(closed, "ls /sys/class/net")).toBe("lo");
    expect(reached.stdout).toContain("reached");
  });

  it.runIf(hasGvisor())("is gVisor's kernel when that is chosen", async () => {
    const provider = newProvider({ boundary: "gvisor" });

    const sandbox = await newSandbox({}, provider);

    expect(provider.boundary).toBe("gvisor");
    expect(await sh(sandbox, "dmesg")).toContain("gVisor");
  });
});

describe("limits", () => {
  it("ends the sandbox after its lifetime, although nobody asks for it", async () => {
    const sandbox = await newSandbox({ lifetimeMs: 2000 });

    const { exit } = await run(sandbox, ["sleep", "60"]);

    expect(exit).toEqual({ kind: "lost", reason: textWith("end of its lifetime") });
    await expect(newProvider().connect(sandbox.id, newCall())).rejects.toMatchObject({ code: "not-found" });
  });

  it("ends commands that store more than the disk limit, says so, and lets the user clean up", async () => {
    const sandbox = await newSandbox({ diskMiB: 20 });
    const fill = "for part in 1 2 3; do head -c 10000000 /dev/zero >part$part; done; sleep 60";

    const { exit } = await run(sandbox, ["sh", "-c", fill]);

    expect(exit).toEqual({ kind: "lost", reason: textWith("limit of 20 MiB") });
    expect(await sh(sandbox, "sleep 7; rm part*; echo alive")).toBe("alive");
  });

  it("lets no single file grow beyond the disk limit", async () => {
    const sandbox = await newSandbox({ diskMiB: 20 });

    const size = await sh(sandbox, "head -c 30000000 /dev/zero >big 2>/dev/null; wc -c <big");

    expect(Number(size)).toBe(20 * 1024 * 1024);
  });

  it("kills what takes more memory than it may, and goes on", async () => {
    const sandbox = await newSandbox();

    const { exit } = await run(sandbox, ["python3", "-c", "x = bytearray(600 << 20); print(len(x))"]);

    expect(exit).toEqual({ kind: "signaled", signal: "SIGKILL" });
    expect(await sh(sandbox, "echo alive")).toBe("alive");
  });

  it("stops a fork bomb within 2 s and stays usable", async () => {
    const sandbox = await newSandbox();
    const abort = new AbortController();
    const process = await sandbox.exec({ argv: ["sh", "-c", "f() { f | f & }; f; sleep 60"] }, newCall(abort.signal));
    const finished = finish(process);
    await delay(1500);

    const started = performance.now();
    abort.abort();
    await finished;

    expect(performance.now() - started).toBeLessThan(2000);
    expect(await sh(sandbox, "echo alive")).toBe("alive");
    expect(Number(await sh(sandbox, "ls /proc | grep -cE '^[0-9]+$'"))).toBeLessThan(10);
  });

  it("survives a command that kills everything it can", async () => {
    const sandbox = await newSandbox();

    const { exit } = await run(sandbox, ["sh", "-c", "kill -KILL 1; kill -KILL -1"]);

    expect(exit).toEqual({ kind: "lost", reason: textWith("from inside the sandbox") });
    expect(await sh(sandbox, "echo alive")).toBe("alive");
  });
});
