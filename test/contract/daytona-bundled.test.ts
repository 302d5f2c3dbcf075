import { afterAll, describe, expect, it } from "vitest";
import { EMULATOR_KEY, startDaytonaEmulator } from "../emulators/daytona/daytona-emulator.ts";
import { bundleProviders } from "./bundle-providers.ts";
import { toDaytonaSubject, toEmulatorDeps } from "./daytona-subject.ts";
import { testProviderContract } from "./provider-contract.ts";

const emulator = await startDaytonaEmulator();
const providers = await bundleProviders();
const deps = toEmulatorDeps({ apiUrl: emulator.url, apiKey: EMULATOR_KEY });
const daytona = await providers.loadProvider("daytona", {}, deps);
afterAll(async () => {
  providers.remove();
  await emulator.close();
});

describe("the bundled Daytona provider", () => {
  // The contract's cases of files then send and fetch with what is in the bundle: from the SDK's other entry it would fail
  // only there, asking for these.
  it("has no package to fall back on", () => {
    expect(providers.canResolve("@daytona/sdk")).toBe(false);
    expect(providers.canResolve("form-data")).toBe(false);
    expect(providers.canResolve("busboy")).toBe(false);
    expect(import.meta.resolve("@daytona/sdk")).toContain("node_modules");
  });
});

testProviderContract(
  "daytona, bundled,",
  toDaytonaSubject(() => daytona),
);
