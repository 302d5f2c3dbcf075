import type { Provider, SandboxSpec } from "../../src/core/provider.ts";
import type { ProviderDeps } from "../../src/providers/provider-deps.ts";
import { EMULATOR_TOKEN } from "../emulators/modal/credentials.ts";
import type { ContractSubject } from "./contract-subject.ts";

/** What a provider needs to reach an emulator as somebody whom that knows. */
export function toEmulatorDeps(url: string): ProviderDeps {
  return {
    stateFolder: "/nonexistent",
    env: { SANDPIPER_MODAL_SERVER_URL: url },
    platform: process.platform,
    readCredential: () => ({ ...EMULATOR_TOKEN }),
  };
}

/** A sandbox without a network, long enough for a suite. */
export const MODAL_SPEC: SandboxSpec = {
  name: "contract",
  labels: { "contract.suite": "modal" },
  network: "none",
  memoryMiB: 512,
  cpus: 1,
  maxProcesses: 100,
  diskMiB: 512,
  lifetimeMs: 10 * 60 * 1000,
  env: { FROM_SPEC: "yes" },
};

/** The contract as Modal, and its emulator, can keep it. */
export function toModalSubject(newProvider: () => Provider): ContractSubject {
  return {
    newProvider,
    spec: MODAL_SPEC,
    cannot: {
      holdBack: "Modal takes all output in and keeps it, so that it can be read later",
      limitMemory: "the emulator has no control groups; at Modal the memory limit is Modal's own",
    },
  };
}
