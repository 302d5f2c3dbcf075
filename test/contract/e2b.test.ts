import { afterAll } from "vitest";
import { createE2bProvider } from "../../src/providers/e2b/e2b-provider.ts";
import { startE2bEmulator } from "../emulators/e2b/e2b-emulator.ts";
import { toE2bDeps, toE2bSubject } from "./e2b-subject.ts";
import { testProviderContract } from "./provider-contract.ts";

const emulator = await startE2bEmulator();
const deps = toE2bDeps(emulator.url);
afterAll(() => emulator.close());

testProviderContract(
  "e2b",
  toE2bSubject(() => createE2bProvider({}, deps)),
);
