import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../../../../src/core/logger.ts";
import { explainRefusal, howToInstall } from "../../../../src/providers/local/check-bwrap.ts";
import { findGvisor } from "../../../../src/providers/local/check-gvisor.ts";
import { createLocalProvider } from "../../../../src/providers/local/local-provider.ts";
import { killNotedRuns, noteRun } from "../../../../src/providers/local/sandbox-folder.ts";

const call = { signal: new AbortController().signal, logger: silentLogger };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "refusals-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("what to do when there can be no sandbox", () => {
  it.each([
    ["/usr/bin/apt-get", "sudo apt-get install -y bubblewrap"],
    ["/usr/bin/dnf", "sudo dnf install -y bubblewrap"],
    ["/usr/bin/pacman", "sudo pacman -S --noconfirm bubblewrap"],
    ["/usr/bin/zypper", "sudo zypper install -y bubblewrap"],
    ["/sbin/apk", "sudo apk add bubblewrap"],
    ["/nothing", "Install the package bubblewrap"],
  ])("names the command for %s", (manager, command) => {
    expect(howToInstall("bubblewrap", (file) => file === manager)).toContain(command);
  });

  it.each([
    ["/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "bwrap-userns-restrict"],
    ["/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"],
    ["/proc/sys/user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces"],
    ["/none", "", "choose another provider"],
  ])("explains the switch %s", (switched, value, remedy) => {
    const text = explainRefusal(
      "Command failed: /usr/bin/bwrap true\nbwrap: No permissions to create new namespace",
      (file) => (file === switched ? value : undefined),
    );

    expect(text).toContain("bwrap: No permissions to create new namespace");
    expect(text).toContain(remedy);
  });

  it("refuses another platform instead of running on the host", async () => {
    const provider = createLocalProvider({}, { stateFolder: folder, env: {}, platform: "freebsd" });

    await expect(provider.check(call)).rejects.toMatchObject({ code: "unsupported" });
  });

  it("refuses a boundary that it does not know", () => {
    const deps = { stateFolder: folder, env: {}, platform: "linux" } as const;

    expect(() => createLocalProvider({ boundary: "none" }, deps)).toThrow('no boundary "none"');
  });

  it("names what gVisor needs", () => {
    expect(() => findGvisor("/nowhere", 1000, call)).toThrow(/runsc, which is not installed|need root/);
  });
});

describe("notes of running commands", () => {
  it("are not taken for another process that got the same pid", () => {
    // Ourselves, noted with a start time that is not ours: must survive.
    rmSync(folder, { recursive: true });
    const forget = noteOther(folder);

    killNotedRuns(folder);

    forget();
    expect(process.exitCode).toBeUndefined();
  });
});

function noteOther(sandbox: string): () => void {
  mkdirSync(join(sandbox, "runs"), { recursive: true });
  const forget = noteRun(sandbox, process.pid);
  writeFileSync(join(sandbox, "runs", String(process.pid)), "1");
  return forget;
}
