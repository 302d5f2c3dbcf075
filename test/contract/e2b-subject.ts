import type { Provider, SandboxSpec } from "../../src/core/provider.ts";
import type { ProviderDeps } from "../../src/providers/provider-deps.ts";
import { EMULATOR_KEY } from "../emulators/e2b/e2b-emulator.ts";
import type { ContractSubject } from "./contract-subject.ts";

/** What a provider needs to reach an emulator as somebody whom that knows. */
export function toE2bDeps(url: string, stateFolder = "/nonexistent"): ProviderDeps {
  return {
    stateFolder,
    env: { E2B_API_URL: url, E2B_SANDBOX_URL: url },
    platform: process.platform,
    readCredential: () => ({ apiKey: EMULATOR_KEY }),
  };
}

/** A sandbox without a network, long enough for a suite. */
export const E2B_SPEC: SandboxSpec = {
  name: "contract",
  labels: { "contract.suite": "e2b" },
  network: "none",
  memoryMiB: 512,
  cpus: 1,
  maxProcesses: 100,
  diskMiB: 512,
  lifetimeMs: 10 * 60 * 1000,
  env: { FROM_SPEC: "yes" },
};

/** The contract as E2B, and its emulator, can keep it. */
export function toE2bSubject(newProvider: () => Provider): ContractSubject {
  return {
    newProvider,
    spec: E2B_SPEC,
    cannot: {
      holdBack: "the emulator takes all output in; E2B's own daemon holds commands back",
      keepCellBytes: "E2B's interpreter tells output as text",
      quoteCellText: "E2B's interpreter leaves the quotes off",
      limitMemory: "the emulator has no control groups; at E2B the memory is the machine's own",
    },
  };
}
