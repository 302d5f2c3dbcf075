import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { startPrivateDaemon } from "../rig/docker/daemon.ts";
import { BUSYBOX_IMAGE, ensureBusyboxImage } from "../rig/docker/test-image.ts";
import { startTlsProxy } from "../rig/docker/tls-proxy.ts";
import {
  destroyAll,
  finish,
  newCall,
  newProvider,
  newSandbox,
  newSpec,
  sh,
  testDaemon,
  textWith,
  useTestDaemon,
} from "../rig/docker/harness.ts";

useTestDaemon();

/** A folder for PATH in which `ssh` is that script. */
function newSshFolder(script: string): string {
  const folder = mkdtempSync(join(tmpdir(), "sandpiper-ssh-"));
  writeFileSync(join(folder, "ssh"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, "ssh"), 0o755);
  return folder;
}

describe("checking Docker", () => {
  it("passes when the daemon answers", async () => {
    await expect(newProvider().check(newCall())).resolves.toBeUndefined();
  });

  it("says that Docker is not running when nothing listens", async () => {
    const provider = newProvider({ host: "unix:///nonexistent/docker.sock" });

    await expect(provider.check(newCall())).rejects.toMatchObject({
      code: "unavailable",
      message: textWith("not running"),
    });
  });

  it("says which runtimes there are when the wanted one is missing", async () => {
    const provider = newProvider({ runtime: "kata" });

    await expect(provider.check(newCall())).rejects.toMatchObject({ code: "unsupported", message: textWith("runc") });
    await expect(provider.create(newSpec(), newCall())).rejects.toMatchObject({ code: "unsupported" });
  });

  it("has no GPU to offer without NVIDIA's runtime, and refuses one with the reason", async () => {
    expect(await newProvider().gpuTiers(newCall())).toEqual([]);
    await expect(newProvider().create(newSpec({ gpu: "nvidia" }), newCall())).rejects.toMatchObject({
      code: "unsupported",
      message: textWith("NVIDIA"),
    });
  });
});

describe("other ways to the daemon", () => {
  it("lead through ssh, as for the docker command", async () => {
    // Stands in for ssh: drops everything up to the destination and runs the rest here.
    const folder = newSshFolder(
      `until [ "$1" = -- ]; do shift; done\nshift 2\nDOCKER_HOST=unix://${testDaemon().socketPath} exec "$@"`,
    );
    const provider = newProvider({ host: "ssh://ada@box" }, { PATH: `${folder}:${process.env["PATH"]}` });

    const sandbox = await newSandbox({}, provider);

    expect(await sh(sandbox, "echo through ssh")).toBe("through ssh");
    await destroyAll();
    rmSync(folder, { recursive: true });
  });

  it("tell what ssh said when it fails", async () => {
    const folder = newSshFolder("echo 'Host key verification failed.' >&2\nexit 255");
    const provider = newProvider({ host: "ssh://ada@box" }, { PATH: `${folder}:${process.env["PATH"]}` });

    await expect(provider.check(newCall())).rejects.toMatchObject({
      code: "unavailable",
      message: textWith("Host key"),
    });
    rmSync(folder, { recursive: true });
  });

  it("lead through TLS with the user's certificates, and refuse a daemon that they don't vouch for", async () => {
    const proxy = await startTlsProxy(testDaemon().socketPath);
    const host = `tcp://127.0.0.1:${proxy.port}`;
    const secure = newProvider({ host }, { DOCKER_CERT_PATH: proxy.certificateFolder, DOCKER_TLS_VERIFY: "1" });
    const stranger = newProvider({ host }, { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/nonexistent" });

    const sandbox = await newSandbox({}, secure);
    const echo = await sandbox.exec({ argv: ["cat"] }, newCall());
    await echo.write(Buffer.from("over TLS"));
    await echo.closeStdin();

    expect((await finish(echo)).stdout).toBe("over TLS");
    await expect(stranger.check(newCall())).rejects.toMatchObject({ code: "invalid", message: textWith("TLS") });
    await destroyAll();
    await proxy.stop();
  });
});

describe("a daemon that dies", () => {
  it("ends running commands as lost at once, and later calls say that Docker is not running", async () => {
    const own = await startPrivateDaemon();
    await ensureBusyboxImage(own.socketPath);
    const provider = newProvider({ host: `unix://${own.socketPath}` });
    const sandbox = await provider.create(newSpec({ image: BUSYBOX_IMAGE }), newCall());
    const finished = finish(await sandbox.exec({ argv: ["sleep", "60"] }, newCall()));
    await delay(300);

    process.kill(own.pid, "SIGKILL");

    expect((await finished).exit).toEqual({ kind: "lost", reason: textWith("Docker does not answer") });
    await expect(sandbox.exec({ argv: ["true"] }, newCall())).rejects.toMatchObject({ code: "unavailable" });
    await expect(provider.check(newCall())).rejects.toMatchObject({
      code: "unavailable",
      message: textWith("not running"),
    });
    await own.stop();
  });
});
