import type { Provider, SandboxSpec } from "../../src/core/provider.ts";

/** What to test: how to build the provider (from the sources or from a bundle), and a spec that it can create. */
export interface ContractSubject {
  /** A new one each time; nothing may be contacted by it. */
  readonly newProvider: () => Provider;
  readonly spec: SandboxSpec;
  /** Smaller amounts for what streams slowly; 64 MiB out and 16 MiB in when left out. */
  readonly outputMiB?: number;
  readonly inputMiB?: number;
  /** Where a provider truly cannot, the documented reason; the case then proves that it says so. */
  readonly cannot?: {
    /** Memory limits: why a greedy command is not stopped. */
    readonly limitMemory?: string;
    /** Memory limits: why a greedy command takes the whole sandbox with it, which then has to say so. */
    readonly surviveMemory?: string;
    /** Unread output: why it does not hold a command back. */
    readonly holdBack?: string;
    /** Process limits: why a fork bomb is not stopped. */
    readonly limitProcesses?: string;
    /** Terminals: why closeStdin does not end a command that reads from one. */
    readonly endTerminalInput?: string;
    /** Cells: why output that is not UTF-8 does not come as it was written. */
    readonly keepCellBytes?: string;
    /** Cells: why the quotes around a string are missing from its text form. */
    readonly quoteCellText?: string;
  };
}
