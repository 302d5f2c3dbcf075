import { afterAll } from "vitest";
import { createModalProvider } from "../../src/providers/modal/modal-provider.ts";
import { startModalEmulator } from "../emulators/modal/modal-emulator.ts";
import { toEmulatorDeps, toModalSubject } from "./modal-subject.ts";
import { testProviderContract } from "./provider-contract.ts";

const emulator = await startModalEmulator();
const deps = toEmulatorDeps(emulator.url);
afterAll(() => emulator.close());

testProviderContract(
  "modal",
  toModalSubject(() => createModalProvider({}, deps)),
);
