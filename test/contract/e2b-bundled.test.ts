import { afterAll, describe, expect, it } from "vitest";
import { startE2bEmulator } from "../emulators/e2b/e2b-emulator.ts";
import { bundleProviders } from "./bundle-providers.ts";
import { toE2bDeps, toE2bSubject } from "./e2b-subject.ts";
import { testProviderContract } from "./provider-contract.ts";

const emulator = await startE2bEmulator();
const providers = await bundleProviders();
const e2b = await providers.loadProvider("e2b", {}, toE2bDeps(emulator.url));
afterAll(async () => {
  providers.remove();
  await emulator.close();
});

describe("the bundled E2B provider", () => {
  it("has no package to fall back on, nor the HTTP client that the SDK looks for at run time", () => {
    expect(providers.canResolve("@e2b/code-interpreter")).toBe(false);
    expect(providers.canResolve("e2b")).toBe(false);
    expect(providers.canResolve("undici")).toBe(false);
    expect(providers.canResolve("undici8")).toBe(false);
    expect(import.meta.resolve("@e2b/code-interpreter")).toContain("node_modules");
  });
});

testProviderContract(
  "e2b, bundled",
  toE2bSubject(() => e2b),
);
