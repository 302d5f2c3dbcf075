import { afterAll, beforeAll, describe } from "vitest";
import type { Sandbox } from "../../src/core/sandbox.ts";
import { testCommands } from "./command-contract.ts";
import type { ContractSubject } from "./contract-subject.ts";
import { testEndings } from "./ending-contract.ts";
import { testFileContract } from "./file-contract.ts";
import { testInterpreterContract } from "./interpreter-contract.ts";
import { testIsolation } from "./isolation-contract.ts";
import { testLife, testSpec } from "./life-contract.ts";
import { newCall } from "./run-to-end.ts";
import { testTerminalContract } from "./terminal-contract.ts";

export type { ContractSubject } from "./contract-subject.ts";

/** The promises of core's docstrings and of the architecture's contract section, each a case that every provider runs. */
export function testProviderContract(name: string, subject: ContractSubject): void {
  describe(`${name} keeps the provider contract`, () => {
    const provider = subject.newProvider();
    let sandbox: Sandbox;

    beforeAll(async () => {
      sandbox = await provider.create(subject.spec, newCall());
    });
    afterAll(async () => {
      // A daemon that has been busy with a hundred cases takes its time to remove what they left.
      await sandbox?.destroy(newCall(180_000));
    });

    testLife(subject);
    testSpec(subject);
    describe("commands", () => testCommands(() => sandbox, subject));
    describe("endings", () => testEndings(() => sandbox));
    describe("isolation", () => testIsolation(() => sandbox, subject));
    describe("terminals", () => testTerminalContract(() => sandbox, subject));
    describe("interpreter", () => testInterpreterContract(() => sandbox, subject));
    describe("files", () => testFileContract(subject.newProvider, subject.spec));
  });
}
