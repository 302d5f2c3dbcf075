import { afterAll, describe, expect, it } from "vitest";
import { startModalEmulator } from "../emulators/modal/modal-emulator.ts";
import { bundleProviders } from "./bundle-providers.ts";
import { toEmulatorDeps, toModalSubject } from "./modal-subject.ts";
import { testProviderContract } from "./provider-contract.ts";

const emulator = await startModalEmulator();
const providers = await bundleProviders();
const deps = toEmulatorDeps(emulator.url);
const modal = await providers.loadProvider("modal", {}, deps);
afterAll(async () => {
  providers.remove();
  await emulator.close();
});

describe("the bundled Modal provider", () => {
  it("has no package to fall back on", () => {
    expect(providers.canResolve("modal")).toBe(false);
    expect(providers.canResolve("nice-grpc")).toBe(false);
    expect(import.meta.resolve("modal")).toContain("node_modules");
  });
});

testProviderContract(
  "modal, bundled",
  toModalSubject(() => modal),
);
