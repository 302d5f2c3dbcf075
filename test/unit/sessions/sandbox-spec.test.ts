import { describe, expect, it } from "vitest";
import { DEFAULT_TARGET } from "../../../src/sessions/default-target.ts";
import type { SessionRecord, Target } from "../../../src/sessions/records.ts";
import { toSandboxSpec, toTargetKey } from "../../../src/sessions/sandbox-spec.ts";

const TARGET: Required<Omit<Target, "gpuFallbacks">> = {
  ...DEFAULT_TARGET,
  providerId: "modal",
  options: { app: "mine" },
  image: "python:3.13",
  network: "allow-list",
  allowedHosts: ["pypi.org"],
  gpu: "H100:2",
  ports: [8000],
};

function toSpec(target: Target) {
  const record: SessionRecord = {
    version: 1,
    id: "s-1",
    name: "ws",
    workspaceRoot: "/home/me/My Project",
    target,
    boundary: "gvisor",
    state: "creating",
    createdAt: "2026-01-01T10:00:00.000Z",
    expiresAt: "2026-01-01T11:00:00.000Z",
    lastUsedAt: "2026-01-01T10:00:00.000Z",
  };
  return toSandboxSpec(record, "install-1");
}

describe("the spec of a session's sandbox", () => {
  it("has everything that its target says but what the provider was built from", () => {
    const { providerId: _provider, options: _options, ...said } = TARGET;

    expect(toSpec(TARGET)).toMatchObject(said);
  });

  it("names nothing that its target does not", () => {
    const spec = toSpec(DEFAULT_TARGET);

    expect(spec.name).toBe("sandpiper-my-project-s-1");
    for (const field of ["image", "gpu", "ports", "allowedHosts"]) expect(spec).not.toHaveProperty(field);
  });

  it("is another one for every target that it could not serve", () => {
    const targets: readonly Target[] = [
      TARGET,
      { ...TARGET, ports: [8001] },
      { ...TARGET, allowedHosts: [] },
      { ...TARGET, options: {} },
    ];

    expect(new Set(targets.map(toTargetKey)).size).toBe(targets.length);
    expect(toTargetKey({ ...TARGET })).toBe(toTargetKey(TARGET));
  });
});
