import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findToolchains, toShownPath } from "../../../../src/providers/local/toolchains.ts";

let home: string;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "home-")));
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

function addProgram(path: string, text = "#!/bin/sh\n"): string {
  const file = join(home, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

const find = (...folders: string[]): ReturnType<typeof findToolchains> => {
  return findToolchains({ HOME: home, PATH: [...folders.map((folder) => join(home, folder)), "/usr/bin"].join(":") });
};

describe("the toolchains that a sandbox sees", () => {
  it("shows a version of nvm, and nothing else of home", async () => {
    addProgram(".nvm/versions/node/v22/bin/node");

    const { paths, searchPath } = await find(".nvm/versions/node/v22/bin");

    expect(paths).toEqual([join(home, ".nvm/versions/node/v22")]);
    expect(searchPath[0]).toBe(join(home, ".nvm/versions/node/v22/bin"));
  });

  it("looks behind a shim of pyenv for the python that it stands for", async () => {
    const real = addProgram(".pyenv/versions/3.12/bin/python3");
    addProgram(".pyenv/shims/python3", `#!/bin/sh\necho ${real}\n`);

    const { paths, searchPath } = await find(".pyenv/shims");

    expect(paths).toEqual([join(home, ".pyenv/versions/3.12")]);
    expect(searchPath[0]).toBe(join(home, ".pyenv/versions/3.12/bin"));
  });

  it("follows a link to where the program is", async () => {
    addProgram("opt/ruby-3/bin/ruby");
    mkdirSync(join(home, "links"));
    symlinkSync(join(home, "opt/ruby-3/bin/ruby"), join(home, "links/ruby"));

    expect((await find("links")).paths).toEqual([join(home, "opt/ruby-3")]);
  });

  it("shows nothing for what /usr has", async () => {
    expect(await find()).toEqual({
      paths: [],
      searchPath: ["/usr/bin", "/usr/local/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"],
    });
  });

  it("leaves folders off PATH that the sandbox does not have", async () => {
    mkdirSync(join(home, "bin"));

    expect((await find("bin")).searchPath).not.toContain(join(home, "bin"));
  });

  it.each([
    ["/home/me/bin/python3", "/home/me/bin/python3"],
    ["/home/me/.local/bin/uv", "/home/me/.local/bin/uv"],
    ["/home/me/.cargo/bin/rustc", "/home/me/.cargo/bin/rustc"],
    ["/opt/python3", "/opt/python3"],
    ["/home/me/miniconda3/bin/python3", "/home/me/miniconda3"],
    ["/home/me/.rbenv/shims/ruby", "/home/me/.rbenv"],
    ["/opt/go/bin/go", "/opt/go"],
  ])("shows for %s no more than %s", (program, shown) => {
    expect(toShownPath(program, "/home/me")).toBe(shown);
  });
});
