import { it } from "vitest";
import type { Provider } from "../../src/core/provider.ts";
import { findProgram } from "../../src/providers/local/find-program.ts";
import { testProviderContract } from "./provider-contract.ts";

/** Why there can be no local sandboxes behind gVisor here. */
export function whyNoGvisor(): string | undefined {
  if (!findProgram("runsc", process.env["PATH"])) return "local sandboxes behind gVisor need runsc";
  return process.getuid?.() === 0 ? undefined : "local sandboxes behind gVisor need root";
}

/** The contract as gVisor can keep it; skipped with the reason where there is none. */
export function testGvisorContract(name: string, newProvider: () => Provider): void {
  const reason = whyNoGvisor();
  if (reason) {
    it(`${name} keeps the provider contract`, ({ skip }) => skip(reason));
    return;
  }
  testProviderContract(name, {
    newProvider,
    spec: {
      name: "contract",
      labels: { "contract.suite": "local-gvisor" },
      network: "none",
      memoryMiB: 1024,
      cpus: 2,
      maxProcesses: 100,
      diskMiB: 512,
      lifetimeMs: 10 * 60 * 1000,
      env: { FROM_SPEC: "yes" },
    },
    cannot: {
      limitProcesses: "gVisor gives each process memory of its own kernel's; the memory limit is what ends a fork bomb",
      endTerminalInput: "the terminals of gVisor 20221219 have no end-of-file character",
    },
  });
}
