import { describe, expect, it } from "vitest";
import { canAllowHosts, hasAbility } from "../../../src/ui/abilities.ts";

describe("a sandbox can be paused", () => {
  it.each([
    ["e2b", {}, true],
    ["daytona", {}, true],
    ["daytona", { gpu: "cpu" }, true],
    ["daytona", { gpu: "H100" }, false],
    ["modal", {}, false],
    ["modal", { options: { memorySnapshot: "true" } }, true],
    ["docker", {}, false],
  ] as const)("on %s, made with %j: %s", (providerId, made, can) => {
    expect(hasAbility({ providerId, options: {}, ...made }, "pause")).toBe(can);
  });
});

describe("a list of hosts", () => {
  it("is for providers that can hold sandboxes to one", () => {
    expect((["local", "docker", "modal", "e2b", "daytona"] as const).filter(canAllowHosts)).toEqual([
      "modal",
      "e2b",
      "daytona",
    ]);
  });
});
