import { beforeEach, describe, expect, it } from "vitest";
import * as vscode from "vscode";
import { readSetting } from "../../../src/ui/settings.ts";
import {
  describeTarget,
  listTargetChoices,
  readTarget,
  readTargetChoice,
  writeTargetChoice,
} from "../../../src/ui/target.ts";
import { resetFake, state } from "../../fakes/vscode.ts";
import { SETTINGS } from "./command-deps.ts";
import { TARGET } from "./fake-engine.ts";

const FOLDER = vscode.Uri.file("/ws");

beforeEach(() => resetFake({ ...SETTINGS }));

describe("readTarget", () => {
  it("takes everything from the settings", () => {
    expect(readTarget(FOLDER)).toEqual(TARGET);
  });

  it.each([
    [{ "local.boundary": "gvisor" }, { providerId: "local", options: { boundary: "gvisor" } }],
    [{ provider: "docker" }, { providerId: "docker", options: {} }],
    [
      { provider: "docker", "docker.image": "python:3", "docker.context": "colima", "docker.host": "unix:///d.sock" },
      { providerId: "docker", image: "python:3", options: { context: "colima", host: "unix:///d.sock" } },
    ],
    [{ provider: "docker", "docker.runtime": "kata" }, { options: { runtime: "kata" } }],
    [{ provider: "docker", "docker.runtime": "runsc" }, { options: { runtime: "runsc" } }],
    [{ "docker.image": "python:3" }, { providerId: "local", options: {} }],
  ])("understands %j", (settings, expected) => {
    for (const [key, value] of Object.entries(settings)) state.settings[`sandpiper.${key}`] = value;

    expect(readTarget(FOLDER)).toMatchObject(expected);
  });

  it("takes what Modal understands from the settings, and leaves out what nobody has set", () => {
    state.settings["sandpiper.provider"] = "modal";
    expect(readTarget(FOLDER)).toEqual({ ...TARGET, providerId: "modal" });

    Object.assign(state.settings, {
      "sandpiper.network": "allow-list",
      "sandpiper.allowedHosts": ["pypi.org", "10.0.0.0/8"],
      "sandpiper.ports": [8888, 8000],
      "sandpiper.gpu": "H100:2",
      "sandpiper.gpuFallbacks": ["L40S", "cpu"],
      "sandpiper.modal.image": "python:3.13",
      "sandpiper.modal.dockerfile": ["RUN pip install torch", "ENV A=1"],
      "sandpiper.modal.environment": "dev",
      "sandpiper.modal.app": "mine",
      "sandpiper.modal.regions": ["us-east", "eu"],
      "sandpiper.modal.cloud": "aws",
      "sandpiper.modal.secrets": ["hf", "wandb"],
      "sandpiper.modal.maxConcurrent": 250,
      "sandpiper.modal.exitSnapshot": true,
      "sandpiper.modal.memorySnapshot": true,
    });

    expect(readTarget(FOLDER)).toEqual({
      ...TARGET,
      providerId: "modal",
      image: "python:3.13",
      network: "allow-list",
      allowedHosts: ["pypi.org", "10.0.0.0/8"],
      ports: [8000, 8888],
      gpu: "H100:2",
      gpuFallbacks: ["L40S", "cpu"],
      options: {
        environment: "dev",
        app: "mine",
        regions: "us-east,eu",
        cloud: "aws",
        dockerfile: "RUN pip install torch\nENV A=1",
        secrets: "hf,wandb",
        maxConcurrent: "250",
        exitSnapshot: "true",
        memorySnapshot: "true",
      },
    });
  });

  it("takes what E2B understands from the settings", () => {
    state.settings["sandpiper.provider"] = "e2b";
    expect(readTarget(FOLDER)).toEqual({ ...TARGET, providerId: "e2b" });

    Object.assign(state.settings, {
      "sandpiper.gpu": "H100",
      "sandpiper.e2b.template": "my-template",
      "sandpiper.e2b.autoPause": true,
      "sandpiper.e2b.maxConcurrent": 100,
      "sandpiper.e2b.domain": "e2b.example.com",
    });

    expect(readTarget(FOLDER)).toEqual({
      ...TARGET,
      providerId: "e2b",
      image: "my-template",
      options: { domain: "e2b.example.com", autoPause: "true", maxConcurrent: "100" },
    });
  });

  it("takes what Daytona understands from the settings", () => {
    state.settings["sandpiper.provider"] = "daytona";
    expect(readTarget(FOLDER)).toEqual({ ...TARGET, providerId: "daytona" });

    Object.assign(state.settings, {
      "sandpiper.gpu": "H100",
      "sandpiper.daytona.image": "snapshot:mine",
      "sandpiper.daytona.region": "eu",
      "sandpiper.daytona.spot": true,
      "sandpiper.daytona.autoArchiveMinutes": 60,
      "sandpiper.daytona.maxConcurrent": 5,
      "sandpiper.daytona.apiUrl": "https://daytona.example.com/api",
    });

    expect(readTarget(FOLDER)).toEqual({
      ...TARGET,
      providerId: "daytona",
      image: "snapshot:mine",
      gpu: "H100",
      options: {
        apiUrl: "https://daytona.example.com/api",
        region: "eu",
        spot: "true",
        autoArchiveMinutes: "60",
        maxConcurrent: "5",
      },
    });
  });

  it("gives other providers nothing that is meant for Modal", () => {
    Object.assign(state.settings, { "sandpiper.gpu": "H100", "sandpiper.ports": [80], "sandpiper.modal.app": "mine" });

    expect(readTarget(FOLDER)).toEqual(TARGET);
  });

  it("gives a local run no image of Docker's", () => {
    state.settings["sandpiper.docker.image"] = "python:3";

    expect(readTarget(FOLDER)).not.toHaveProperty("image");
  });
});

describe("a choice", () => {
  it.each(listTargetChoices("linux").map((choice) => [choice.label, choice] as const))(
    "of %s is the one that is read afterwards",
    async (_, choice) => {
      await writeTargetChoice(choice);

      expect(readTargetChoice()).toEqual(choice);
    },
  );

  it("of plain Docker after gVisor takes the runtime back, and keeps one of the user's own", async () => {
    const [, , docker, gvisor] = listTargetChoices("linux");
    if (!docker || !gvisor) throw new Error("no Docker among the choices");
    await writeTargetChoice(gvisor);
    await writeTargetChoice(docker);
    expect(readTarget(FOLDER).options).toEqual({});

    state.settings["sandpiper.docker.runtime"] = "kata";
    await writeTargetChoice(docker);
    expect(readTarget(FOLDER).options).toEqual({ runtime: "kata" });
  });

  it("is named by what stands between the code and this machine", () => {
    expect(describeTarget(TARGET, "namespaces")).toBe("Local (bubblewrap)");
    expect(describeTarget({ ...TARGET, providerId: "docker" }, "gvisor")).toBe("Docker (gVisor)");
  });
});

describe("readSetting", () => {
  it.each([undefined, null])("refuses %s", (value) => {
    state.settings["sandpiper.cpus"] = value;

    expect(() => readSetting("cpus")).toThrow("The setting sandpiper.cpus has a value it cannot have.");
  });
});
