import { describe, expect, it } from "vitest";
import { toBwrapArguments } from "../../../../src/providers/local/bwrap-arguments.ts";
import { toOciConfig } from "../../../../src/providers/local/gvisor-bundle.ts";
import { limitCommand } from "../../../../src/providers/local/limit-script.ts";
import { listSystemMounts, type Mount } from "../../../../src/providers/local/root-mounts.ts";
import { dropRoot } from "../../../../src/providers/local/root-stage.ts";

const spec = {
  name: "n",
  labels: {},
  network: "none",
  memoryMiB: 512,
  cpus: 1,
  maxProcesses: 64,
  diskMiB: 100,
  lifetimeMs: 1000,
  env: {},
} as const;
const home: Mount = {
  kind: "bind",
  source: "/root/state/sp-1/home",
  at: "/home/sandbox",
  writable: true,
  reachable: false,
};
const tools: Mount = { kind: "bind", source: "/root/.pyenv", at: "/root/.pyenv", writable: false, reachable: false };
const system: Mount = { kind: "bind", source: "/usr", at: "/usr", writable: false, reachable: true };

describe("bubblewrap's options", () => {
  const plan = {
    mounts: [system, home],
    network: "none",
    env: { A: "b c" },
    hostname: "h",
    memoryMiB: 512,
    canDisableUserNamespaces: true,
  } as const;

  it("take away every namespace, capability and variable, and die with us", () => {
    const options = toBwrapArguments(plan);

    for (const wanted of [
      "--unshare-all",
      "--unshare-user",
      "--disable-userns",
      "--new-session",
      "--die-with-parent",
      "--clearenv",
    ])
      expect(options).toContain(wanted);
    expect(options.join(" ")).toContain("--cap-drop ALL");
    expect(options).not.toContain("--share-net");
  });

  it("share the network only when it is asked for", () => {
    expect(toBwrapArguments({ ...plan, network: "full" })).toContain("--share-net");
  });

  it("leave out what an old bubblewrap does not know", () => {
    expect(toBwrapArguments({ ...plan, canDisableUserNamespaces: false })).not.toContain("--disable-userns");
  });

  it("write to nothing but what is writable", () => {
    const options = toBwrapArguments(plan).join("\n");

    expect(options).toContain("--ro-bind\n/usr\n/usr");
    expect(options).toContain("--bind\n/root/state/sp-1/home\n/home/sandbox");
    expect(options).toContain("--remount-ro\n/");
  });

  it("place a seccomp filter when there is one", () => {
    expect(toBwrapArguments({ ...plan, seccompFd: 9 }).join(" ")).toContain("--seccomp 9");
  });
});

const places = (network: "none" | "full"): string[] => listSystemMounts(network).map(({ at }) => at);

describe("what the sandbox sees of the system", () => {
  it("has no accounts in it, and the resolver only with a network", () => {
    for (const place of ["/etc", "/etc/passwd", "/etc/shadow", "/root", "/home", "/var", "/run"])
      expect(places("full")).not.toContain(place);
    expect(places("none")).not.toContain("/etc/resolv.conf");
    expect(listSystemMounts("full").every((mount) => mount.kind === "link" || !mount.writable)).toBe(true);
  });
});

describe("for root", () => {
  it("shows private sources under /tmp and drops to the sandbox's own user", () => {
    const { argv, mounts } = dropRoot([system, home, tools], {
      unshare: "/u",
      setpriv: "/s",
      uid: 7,
      folder: "/root/state/sp-1",
    });

    expect(argv.slice(0, 2)).toEqual(["/u", "--mount"]);
    expect(argv.slice(-5)).toEqual(["/root/state/sp-1", "/s", "7", "/root/.pyenv", "--"]);
    expect(mounts.map((mount) => mount.kind === "bind" && mount.source)).toEqual(["/usr", "/tmp/home", "/tmp/shown/0"]);
  });
});

describe("limits", () => {
  it("leave memory to the control group where there is one", () => {
    const limited = limitCommand(["x"], { spec, limitsMemory: true, script: "/l" });
    const alone = limitCommand(["x"], { spec, limitsMemory: false, script: "/l" });

    expect(limited).toEqual(["/bin/sh", "/l", "204800", "", "66", "x"]);
    expect(alone[3]).toBe("786432");
  });
});

describe("gVisor's bundle", () => {
  it("has a read-only root, no capability, and ends itself with the sandbox", () => {
    const record = {
      version: 1,
      id: "sp-1",
      spec,
      boundary: "gvisor",
      hostUid: 7,
      createdAt: "",
      expiresAt: "",
    } as const;

    const config = toOciConfig(record, [system, home, { kind: "link", target: "usr/bin", at: "/bin" }], 12.3);

    expect(config.root.readonly).toBe(true);
    expect(config.process).toMatchObject({ user: { uid: 7, gid: 7 }, capabilities: {}, noNewPrivileges: true });
    expect(config.process.args.join(" ")).toContain("sleep 13");
    expect(config.mounts.find(({ destination }) => destination === "/usr")?.options).toContain("ro");
    expect(config.mounts.find(({ destination }) => destination === "/home/sandbox")?.options).toContain("rw");
    expect(config.linux.namespaces).toContainEqual({ type: "network" });
  });
});
