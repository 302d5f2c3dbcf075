import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_TARGET } from "../../../src/sessions/default-target.ts";
import { parseDuration } from "../../../src/cli/duration.ts";
import { parseRunArguments } from "../../../src/cli/parse-run.ts";
import { parseSizeMiB, toTarget } from "../../../src/cli/parse-target.ts";
import { findWorkspaceRoot } from "../../../src/cli/workspace-root.ts";

let root: string;

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "sandpiper-cli-")));
  await mkdir(join(root, "repo", ".git"), { recursive: true });
  await mkdir(join(root, "repo", "src", "deep"), { recursive: true });
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

describe("sandpiper run", () => {
  it("sends the nearest folder that holds .git, and runs the file by its path in there", () => {
    const { request, pull } = parseRunArguments(
      ["../train.py", "--epochs", "3"],
      join(root, "repo", "src", "deep"),
      {},
    );

    expect(request).toMatchObject({
      workspaceRoot: join(root, "repo"),
      command: { kind: "file", path: "src/train.py", args: ["--epochs", "3"] },
      target: DEFAULT_TARGET,
      timeoutMs: 0,
      pull: true,
      stopOnDisconnect: true,
    });
    expect(request.cwd).toBeUndefined();
    expect(pull).toBe("review");
  });

  it("sends the current folder when there is no .git above", () => {
    expect(parseRunArguments(["x.py"], root, {}).request).toMatchObject({
      workspaceRoot: root,
      command: { path: "x.py" },
    });
  });

  it("runs a command where it was typed, and leaves its options to it", () => {
    const { request } = parseRunArguments(["--quiet", "--", "ls", "--json", "--", "-x"], join(root, "repo", "src"), {});

    expect(request).toMatchObject({
      workspaceRoot: join(root, "repo"),
      cwd: "src",
      command: { kind: "argv", argv: ["ls", "--json", "--", "-x"] },
    });
  });

  it("takes a variable that is only named from here, and refuses one that is not there", () => {
    const args = ["--env", "HF_TOKEN", "--env", "A=1", "--", "true"];

    expect(parseRunArguments(args, root, { HF_TOKEN: "hf", OTHER: "x" }).request.env).toEqual({
      HF_TOKEN: "hf",
      A: "1",
    });
    expect(() => parseRunArguments(args, root, {})).toThrow(/--env HF_TOKEN: there is no such variable here/);
  });

  it("understands every option, before the file", () => {
    const args = [
      "--provider=docker",
      "--image",
      "node:24",
      "--network",
      "full",
      "--gpu",
      "T4",
      "--memory",
      "512",
      "--timeout",
      "10m",
      "--env",
      "A=1",
      "--env",
      "B=x=y",
      "--option",
      "context=colima",
      "--pull",
      "apply",
      "--profile",
      "work",
      "--snapshot",
      "s-1",
      "--allow-secret",
      "f1",
      "--allow-secret",
      "f2",
      "--max-upload",
      "2G",
      "--json",
      "x.py",
    ];

    const { request, ...rest } = parseRunArguments(args, root, {});

    expect(request).toMatchObject({
      target: {
        providerId: "docker",
        image: "node:24",
        network: "full",
        gpu: "T4",
        memoryMiB: 512,
        options: { context: "colima" },
      },
      env: { A: "1", B: "x=y" },
      timeoutMs: 600_000,
      allowedSecrets: ["f1", "f2"],
      maxUploadMiB: 2048,
    });
    expect(rest).toEqual({ snapshot: "s-1", profile: "work", pull: "apply", isJson: true, isQuiet: false });
  });

  it.each([
    [[], /Say which file to run/],
    [["--"], /which command to run/],
    [["--nope", "x.py"], /nope/],
    [["--network", "some", "x.py"], /--network is one of none, allow-list, full/],
    [["--network", "allow-list", "x.py"], /Name the hosts/],
    [["--network", "none", "--allow-host", "pypi.org", "x.py"], /--allow-host goes with --network allow-list/],
    [["--gpu", "H100,,cpu", "x.py"], /--gpu is written as/],
    [["--port", "70000", "x.py"], /--port is a number up to 65535/],
    [["--provider", "modal2", "x.py"], /--provider is one of local, docker/],
    [["--memory", "1g", "x.py"], /--memory is a whole number/],
    [["--cpus", "0", "x.py"], /--cpus is a number above 0, such as 0.5 or 4/],
    [["--max-upload", "much", "x.py"], /--max-upload is a size above 0/],
    [["--max-upload", "0", "x.py"], /--max-upload is a size above 0/],
    [["--timeout", "soon", "x.py"], /Write it as 90s/],
    [["--env", "A", "x.py"], /NAME=VALUE/],
    [["--json"], /Say which file/],
  ])("says what is wrong with %j", (args, message) => {
    expect(() => parseRunArguments(args, root, {})).toThrow(message);
  });

  it.each([
    [[], { DOCKER_HOST: "tcp://a:1", DOCKER_CONTEXT: "colima" }, { host: "tcp://a:1" }],
    [[], { DOCKER_CONTEXT: "colima" }, { context: "colima" }],
    [["--option", "context=own"], { DOCKER_HOST: "tcp://a:1" }, { context: "own" }],
    [["--option", "runtime=runsc"], {}, { runtime: "runsc" }],
  ])("with %j takes the caller's Docker %j, not the one that the engine was started with", (own, env, options) => {
    const args = ["--provider", "docker", ...own, "x.py"];

    expect(parseRunArguments(args, root, env).request.target.options).toEqual(options);
  });

  it("leaves Docker's place out of what other providers are told", () => {
    expect(parseRunArguments(["x.py"], root, { DOCKER_HOST: "tcp://a:1" }).request.target.options).toEqual({});
  });

  it("refuses a file outside of the workspace, and a workspace that is a whole home", () => {
    expect(() => parseRunArguments(["../x.py"], join(root, "repo"), {})).toThrow(/is not in the workspace/);
    expect(() => findWorkspaceRoot({ cwd: root, home: root })).toThrow(/all of .*--workspace/);
    expect(() => findWorkspaceRoot({ cwd: "/" })).toThrow(/all of \//);
    expect(findWorkspaceRoot({ cwd: root, home: root, workspace: "." })).toBe(root);
  });
});

it("lets any credential through only when told so", () => {
  expect(parseRunArguments(["x.py"], root, {}).request.allowedSecrets).toEqual([]);
  expect(parseRunArguments(["--allow-secrets", "x.py"], root, {}).request.allowedSecrets).toBe("all");
});

describe("a target in the cloud", () => {
  it("has the GPU that comes first, and the others in their order when that is not free", () => {
    expect(toTarget({ provider: "modal", gpu: "H100:2,L40S,cpu" }, {})).toEqual({
      ...DEFAULT_TARGET,
      providerId: "modal",
      gpu: "H100:2",
      gpuFallbacks: ["L40S", "cpu"],
    });
  });

  it("reaches the hosts that are named and nothing else", () => {
    const target = toTarget({ "allow-host": ["pypi.org", "*.pythonhosted.org"], port: ["8000"] }, {});

    expect(target).toMatchObject({
      network: "allow-list",
      allowedHosts: ["pypi.org", "*.pythonhosted.org"],
      ports: [8000],
    });
    expect(toTarget({ memory: "64", cpus: "0.5" }, {}, target)).toEqual({ ...target, memoryMiB: 64, cpus: 0.5 });
    expect(toTarget({ network: "none" }, {}, target)).not.toHaveProperty("allowedHosts");
  });

  it("that is given another GPU takes nothing else instead of it", () => {
    const base = { ...DEFAULT_TARGET, gpu: "H100", gpuFallbacks: ["cpu"] };

    expect(toTarget({}, {}, base)).toEqual(base);
    expect(toTarget({ gpu: "T4" }, {}, base)).toEqual({ ...DEFAULT_TARGET, gpu: "T4" });
    expect(toTarget({ provider: "docker" }, {}, base)).toEqual({ ...DEFAULT_TARGET, providerId: "docker" });
  });
});

describe("a target that is given some of", () => {
  const base = { ...DEFAULT_TARGET, providerId: "docker", image: "node:24", options: { host: "tcp://a:1" } } as const;

  it("keeps what is not said", () => {
    expect(toTarget({ memory: "512" }, {}, base)).toEqual({ ...base, memoryMiB: 512 });
  });

  it("with another provider takes nothing over that means something to the first alone", () => {
    expect(toTarget({ provider: "local" }, {}, base)).toEqual(DEFAULT_TARGET);
  });
});

it.each([
  ["500", 500],
  ["1.5g", 1536],
  ["512KiB", 0.5],
  ["2GB", 2048],
])("a size of %s is %d MiB", (text, sizeMiB) => {
  expect(parseSizeMiB("--max-upload", text)).toBe(sizeMiB);
});

describe("a duration", () => {
  it.each([
    ["90s", 90_000],
    ["10m", 600_000],
    ["1.5h", 5_400_000],
    ["500ms", 500],
    ["7", 7000],
  ])("%s is %d ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(["", "m", "-1s", "1d", "1 m"])("%j is none", (text) => {
    expect(() => parseDuration(text)).toThrow(/is no time/);
  });
});
