import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../../../../src/core/logger.ts";
import { SandboxError } from "../../../../src/core/sandbox-error.ts";
import { findProgram } from "../../../../src/providers/local/find-program.ts";
import { createLocalProvider } from "../../../../src/providers/local/local-provider.ts";
import { type Host, spawnApart } from "../../../../src/providers/local/spawn-run.ts";
import { toScript, toWslCommand, toWslEnv } from "../../../../src/providers/local/wsl.ts";
import { createFakeWsl, type FakeWsl } from "../../../fakes/fake-wsl.ts";

const call = { signal: new AbortController().signal, logger: silentLogger };
const spec = {
  name: "n",
  labels: {},
  network: "none",
  memoryMiB: 512,
  cpus: 1,
  maxProcesses: 64,
  diskMiB: 100,
  lifetimeMs: 60_000,
  env: { SECRET: "of the sandbox" },
} as const;
const env = { SystemRoot: "C:\\W", TOKEN: "of the host", WSLENV: "TOKEN" };

let folder: string;
let wsl: FakeWsl;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wsl-"));
  wsl = createFakeWsl();
});
afterEach(() => {
  wsl.remove();
  rmSync(folder, { recursive: true, force: true });
});

const createProvider = (host: Host): ReturnType<typeof createLocalProvider> =>
  createLocalProvider({}, { stateFolder: folder, env, platform: "win32" }, host);

/** For printf: a NUL after each letter. */
const UTF16 = "WSL_E_DEFAULT_DISTRO_NOT_FOUND".replaceAll(/./g, String.raw`$&\000`);

/** What a host starts that answers as wsl.exe does when it gets no further. */
const answer = (text: string): Host => ({
  uid: -1,
  spawn: (_argv, pipes) => spawnApart(["/bin/sh", "-c", 'cat >/dev/null; printf "$1"; exit 1', "sh", text], pipes),
});

describe("the way into WSL", () => {
  it("goes past the distribution's shell, with plain words alone", () => {
    expect(toWslCommand(["/bin/sh", "-s"], "C:\\W")).toEqual([
      "C:\\W\\System32\\wsl.exe",
      "--cd",
      "/",
      "--exec",
      "/bin/sh",
      "-s",
    ]);
    for (const word of ["a b", '"', "'", "$(x)", "\\", "", "ä"])
      expect(() => toWslCommand([word], undefined)).toThrow(SandboxError);
  });

  it("lets no Windows variable cross over", () => {
    expect(toWslEnv(env)).toEqual({ SystemRoot: "C:\\W", WSLENV: "", WSL_UTF8: "1" });
  });

  it("quotes what goes by stdin", () => {
    expect(toScript("x", ["a'b", "$c"])).toBe(`{ set -- 'a'\\''b' '$c'\nx\n}\n`);
  });
});

describe("local sandboxes on Windows", () => {
  it.each([
    [
      "no distribution",
      "Error code: Wsl/Service/CreateInstance/GetDefaultDistro/WSL_E_DEFAULT_DISTRO_NOT_FOUND",
      "wsl --install -d Debian",
    ],
    ["UTF-16 from an old wsl.exe", UTF16, "no Linux distribution"],
    ["WSL switched off", "Error code: Wsl/WSL_E_WSL_OPTIONAL_COMPONENT_REQUIRED", "wsl --install"],
    ["no virtualization", "Error code: Wsl/Service/CreateVm/HCS/HCS_E_HYPERV_NOT_INSTALLED", "firmware"],
    ["anything else", "Wsl/E_UNEXPECTED", "Wsl/E_UNEXPECTED. Try"],
    ["WSL 1", "sandpiper refused wsl1\n", "--set-version"],
    ["root", "sandpiper refused root\n", "--set-default-user"],
    ["no bubblewrap", "sandpiper refused missing apt-get bwrap\n", "wsl -u root -e apt-get install -y bubblewrap"],
    ["no xargs", "sandpiper refused missing dnf xargs\n", "wsl -u root -e dnf install -y findutils"],
    ["no package manager", "sandpiper refused missing none timeout\n", "Install the package coreutils"],
    ["no namespaces", "sandpiper refused probe bwrap: No permissions\n", "bwrap: No permissions. Run: wsl --update"],
    ["an answer that breaks off", "sandpiper bwrap /usr/bin/bwrap\nsandpiper state /s\n", "could not be entered"],
  ])("are refused with the remedy: %s", async (_name, said, remedy) => {
    const provider = createProvider(answer(said));

    const checked = provider.check(call);

    await expect(checked).rejects.toMatchObject({ code: "unavailable" });
    await expect(checked).rejects.toThrow(remedy);
    await expect(provider.create(spec, call)).rejects.toThrow(SandboxError);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("are refused where there is no wsl.exe", async () => {
    const host: Host = { uid: -1, spawn: (_argv, pipes) => spawnApart(["/nowhere/wsl.exe"], pipes) };

    const checked = createProvider(host).check(call);

    await expect(checked).rejects.toMatchObject({ code: "unavailable" });
    await expect(checked).rejects.toThrow("wsl --install -d Debian");
  });

  it("look into the distribution itself for what is missing", async () => {
    const tools = join(folder, "tools");
    mkdirSync(tools);
    for (const name of ["sh", "id", "uname", "apt-get"]) linkTool(tools, name);
    chmodSync(folder, 0o755);
    const other = createFakeWsl(tools);

    const checked = createProvider(other.host).check(call);

    await expect(checked).rejects.toThrow("apt-get install -y bubblewrap");
    other.remove();
  });

  it("never have gVisor", async () => {
    const deps = { stateFolder: folder, env, platform: "win32" } as const;

    await expect(createLocalProvider({ boundary: "gvisor" }, deps, wsl.host).check(call)).rejects.toMatchObject({
      code: "unsupported",
    });
    expect(wsl.started).toEqual([]);
  });
});

function linkTool(into: string, name: string): void {
  const found = findProgram(name, "/usr/bin:/bin");
  if (found) symlinkSync(found, join(into, name));
  else writeFileSync(join(into, name), "#!/bin/sh\n", { mode: 0o755 });
}
