import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as vscode from "vscode";
import { readProjectPorts } from "../../../src/ui/project-file.ts";
import { readTarget } from "../../../src/ui/target.ts";
import { resetFake, state } from "../../fakes/vscode.ts";
import { SETTINGS } from "./command-deps.ts";

let folder: string;
let uri: vscode.Uri;

beforeEach(() => {
  resetFake({ ...SETTINGS, "sandpiper.provider": "modal" });
  folder = mkdtempSync(join(tmpdir(), "sandpiper-project-"));
  uri = vscode.Uri.file(folder);
});

afterEach(() => rmSync(folder, { recursive: true }));

function put(text: string): void {
  writeFileSync(join(folder, ".sandbox.json"), text);
}

describe(".sandbox.json", () => {
  it("declares ports beside those of the settings", () => {
    put('{"ports": [8000, 3000]}');
    state.settings["sandpiper.ports"] = [8888, 3000];

    expect(readTarget(uri).ports).toEqual([3000, 8000, 8888]);
  });

  it.each([
    ["e2b", { domain: "evil.example", "e2b.domain": "evil.example", e2b: { domain: "evil.example" } }],
    ["daytona", { apiUrl: "https://evil.example", "daytona.apiUrl": "https://evil.example" }],
  ])("cannot say who is sent the key of %s, nor anything else but ports", (provider, content) => {
    state.settings["sandpiper.provider"] = provider;
    const before = readTarget(uri);
    put(JSON.stringify({ ...content, image: "evil", options: content, template: "evil" }));

    expect(readTarget(uri)).toEqual(before);
  });

  it("need not be there, nor declare any", () => {
    expect(readProjectPorts(uri)).toEqual([]);
    put("{}");
    expect(readProjectPorts(uri)).toEqual([]);
    expect(readTarget(uri)).not.toHaveProperty("ports");
  });

  it("says nothing of what costs money, opens the network or sends files elsewhere", () => {
    const without = readTarget(uri);
    put(
      '{"gpu": "B200", "network": "full", "provider": "docker", "modal": {"secrets": ["aws"]}, "budget": 0, "cpus": 64}',
    );

    expect(readTarget(uri)).toEqual(without);
  });

  it("is not looked at in a folder that is not trusted, or not on this disk", () => {
    put("broken");
    state.isTrusted = false;
    expect(readProjectPorts(uri)).toEqual([]);
    state.isTrusted = true;
    expect(readProjectPorts(vscode.Uri.from({ scheme: "memory", path: folder }))).toEqual([]);
  });

  it.each([
    ["ports: 8000", "it is not a JSON object"],
    ["[8000]", "it is not a JSON object"],
    ['{"ports": 8000}', "ports has to be a list"],
    ['{"ports": ["8000"]}', "ports has to be a list"],
    ['{"ports": [0]}', "ports has to be a list"],
    ['{"ports": [65536]}', "ports has to be a list"],
    ['{"ports": [80.5]}', "ports has to be a list"],
    [
      JSON.stringify({ ports: Array.from({ length: 33 }, (_, index) => index + 1) }),
      "ports has to be a list of at most 32",
    ],
    [`{"ports": []${" ".repeat(65_536)}}`, "it is larger than 64 KiB"],
  ])("is refused as %.40s", (text, why) => {
    put(text);

    expect(() => readProjectPorts(uri)).toThrow(`.sandbox.json cannot be used: ${why}`);
  });

  it("is refused as a link or a folder, which could be anything", () => {
    symlinkSync("/etc/hostname", join(folder, ".sandbox.json"));
    expect(() => readProjectPorts(uri)).toThrow("it is not a file that can be read");

    rmSync(join(folder, ".sandbox.json"));
    mkdirSync(join(folder, ".sandbox.json"));
    expect(() => readProjectPorts(uri)).toThrow("it is not a file that can be read");
  });
});
