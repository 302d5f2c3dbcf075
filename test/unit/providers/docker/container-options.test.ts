import { describe, expect, it } from "vitest";
import type { SandboxSpec } from "../../../../src/core/provider.ts";
import {
  DEFAULT_IMAGE,
  listDroppedLimits,
  readLabels,
  toContainerOptions,
} from "../../../../src/providers/docker/container-options.ts";
import { parseDiskUsage } from "../../../../src/providers/docker/init-script.ts";
import { addUser } from "../../../../src/providers/docker/prepare-container.ts";
import { readOnlyFile, toSetupTar } from "../../../../src/providers/docker/setup-tar.ts";

const SPEC: SandboxSpec = {
  name: "demo",
  labels: { session: "s-1" },
  network: "none",
  memoryMiB: 512,
  cpus: 1.5,
  maxProcesses: 100,
  diskMiB: 2048,
  lifetimeMs: 90_500,
  env: { COLOR: "1" },
};
const FLAVOUR = { isGvisor: false, expiresAt: new Date("2026-01-02T03:04:05.000Z") };

describe("a container for a sandbox", () => {
  it("is hardened", () => {
    const { User, HostConfig } = toContainerOptions(SPEC, FLAVOUR);

    expect(User).toBe("1000:1000");
    expect(HostConfig).toMatchObject({
      AutoRemove: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      Privileged: false,
      NetworkMode: "none",
      LogConfig: { Type: "none" },
      Memory: 512 * 1024 * 1024,
      MemorySwap: 512 * 1024 * 1024,
      CpuPeriod: 100_000,
      CpuQuota: 150_000,
    });
  });

  it("mounts nothing of the host and adds no capability", () => {
    const { HostConfig = {} } = toContainerOptions(SPEC, FLAVOUR);

    expect(Object.keys(HostConfig)).not.toEqual(expect.arrayContaining(["Binds"]));
    for (const key of ["Binds", "Mounts", "VolumesFrom", "Devices", "CapAdd", "PidMode"])
      expect(HostConfig).not.toHaveProperty(key);
  });

  it("overrides the image's entry point with the bounded first process", () => {
    const { Entrypoint, Cmd } = toContainerOptions(SPEC, FLAVOUR);

    expect(Entrypoint?.slice(0, 2)).toEqual(["/bin/sh", "-c"]);
    expect(Cmd).toEqual(["91", String(2048 * 1024)]);
  });

  it("has a network only when that is asked for", () => {
    const { HostConfig } = toContainerOptions({ ...SPEC, network: "full" }, FLAVOUR);

    expect(HostConfig?.NetworkMode).toBe("bridge");
  });

  it("takes the spec's image, else the default", () => {
    expect(toContainerOptions(SPEC, FLAVOUR).Image).toBe(DEFAULT_IMAGE);
    expect(toContainerOptions({ ...SPEC, image: "node:24" }, FLAVOUR).Image).toBe("node:24");
  });

  it("has a name of its own each time", () => {
    const names = [1, 2].map(() => toContainerOptions(SPEC, FLAVOUR).name);

    expect(names[0]).toMatch(/^sandpiper-demo-[0-9a-f]{8}$/);
    expect(names[0]).not.toBe(names[1]);
  });

  it("leaves gVisor's kernel room for its threads", () => {
    const plain = toContainerOptions(SPEC, FLAVOUR).HostConfig?.PidsLimit ?? 0;
    const gvisor = toContainerOptions(SPEC, { ...FLAVOUR, isGvisor: true, runtime: "runsc" }).HostConfig;

    expect(plain).toBeGreaterThan(SPEC.maxProcesses);
    expect(gvisor?.PidsLimit).toBeGreaterThan(plain + 100);
    expect(gvisor?.Runtime).toBe("runsc");
  });

  it("is told apart from one whose limits the daemon has dropped", () => {
    expect(listDroppedLimits(toContainerOptions(SPEC, FLAVOUR).HostConfig ?? {})).toEqual([]);
    expect(listDroppedLimits({ Memory: 0, PidsLimit: null })).toEqual(["memory", "processes"]);
  });

  it("asks for GPUs only when that is asked for", () => {
    expect(toContainerOptions(SPEC, FLAVOUR).HostConfig).not.toHaveProperty("DeviceRequests");
    expect(toContainerOptions({ ...SPEC, gpu: "nvidia" }, FLAVOUR).HostConfig?.DeviceRequests).toEqual([
      { Driver: "nvidia", Count: -1, Capabilities: [["gpu"]] },
    ]);
  });

  it("says in its labels what it is, and they are read back", () => {
    const { Labels } = toContainerOptions(SPEC, FLAVOUR);

    expect(readLabels(Labels)).toEqual({ name: "demo", labels: { session: "s-1" }, expiresAt: FLAVOUR.expiresAt });
  });

  it.each([[undefined], [{}], [{ "sandpiper.sandbox": "1" }], [{ "sandpiper.expires": "2026-01-02T03:04:05.000Z" }]])(
    "takes a container with labels %j for nobody of ours",
    (labels) => {
      expect(readLabels(labels)).toBeUndefined();
    },
  );
});

describe("the folders of a container", () => {
  it("are entries of a ustar archive with a good checksum", () => {
    const tar = toSetupTar([{ path: "workspace", mode: "755", ownerId: 1000 }]);

    const header = Buffer.from(tar.subarray(0, 512));
    const stored = Number.parseInt(header.toString("latin1", 148, 154), 8);
    header.fill(" ", 148, 156);
    expect(header.reduce((sum, byte) => sum + byte, 0)).toBe(stored);
    expect(tar.toString("latin1", 0, 10)).toBe("workspace/");
    expect(Number.parseInt(tar.toString("latin1", 108, 115), 8)).toBe(1000);
    expect(tar.length).toBe(512 * 3);
  });
});

describe("the user of a container", () => {
  it("gets a name in the image's list of users", () => {
    expect(addUser("root:x:0:0::/root:/bin/sh\n")).toBe(
      "root:x:0:0::/root:/bin/sh\nsandbox:x:1000:1000::/home/sandbox:/bin/sh\n",
    );
  });

  it("gets a list when the image has none", () => {
    expect(
      addUser("")
        ?.split("\n")
        .map((line) => line.split(":")[0]),
    ).toEqual(["root", "sandbox", ""]);
  });

  it("keeps the name that the image gives it, and lets be what is no file", () => {
    expect(addUser("node:x:1000:1000::/home/node:/bin/bash\n")).toBeUndefined();
    expect(addUser(undefined)).toBeUndefined();
  });

  it("is read from the archive that Docker answers with", () => {
    const content = Buffer.from("some text\n");

    expect(readOnlyFile(toSetupTar([{ path: "etc/passwd", mode: "644", ownerId: 0, content }]))).toEqual(content);
    expect(readOnlyFile(toSetupTar([{ path: "etc/passwd", mode: "755", ownerId: 0 }]))).toBeUndefined();
  });
});

describe("the disk usage of a container", () => {
  it("is the sum of what du printed", () => {
    expect(parseDiskUsage("12\t/workspace\n30\t/home/sandbox\n\n")).toBe(42);
    expect(parseDiskUsage("")).toBe(0);
  });
});
