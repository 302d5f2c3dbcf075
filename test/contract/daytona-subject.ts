import type { Provider, SandboxSpec } from "../../src/core/provider.ts";
import type { ProviderDeps } from "../../src/providers/provider-deps.ts";
import type { ContractSubject } from "./contract-subject.ts";

/** What a provider needs to reach an emulator as somebody whom that knows. */
export function toEmulatorDeps({ apiUrl, apiKey }: { readonly apiUrl: string; readonly apiKey: string }): ProviderDeps {
  return {
    stateFolder: "/nonexistent",
    env: { DAYTONA_API_URL: apiUrl },
    platform: process.platform,
    readCredential: () => ({ apiKey }),
  };
}

/** A sandbox without a network, long enough for a suite. */
export const DAYTONA_SPEC: SandboxSpec = {
  name: "contract",
  labels: { "contract.suite": "daytona" },
  network: "none",
  memoryMiB: 512,
  cpus: 1,
  maxProcesses: 100,
  diskMiB: 512,
  lifetimeMs: 10 * 60 * 1000,
  env: { FROM_SPEC: "yes" },
};

/** The contract as Daytona, and its emulator, can keep it. */
export function toDaytonaSubject(newProvider: () => Provider, spec = DAYTONA_SPEC): ContractSubject {
  return {
    newProvider,
    spec,
    outputMiB: 16,
    cannot: {
      holdBack: "Daytona takes all output in and keeps it, so that it can be read later",
      limitMemory: "the emulator has no control groups; at Daytona the memory limit is Daytona's own",
    },
  };
}
