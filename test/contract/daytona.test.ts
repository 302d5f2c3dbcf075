import { afterAll } from "vitest";
import { createDaytonaProvider } from "../../src/providers/daytona/daytona-provider.ts";
import { EMULATOR_KEY, startDaytonaEmulator } from "../emulators/daytona/daytona-emulator.ts";
import { DAYTONA_SPEC, toDaytonaSubject, toEmulatorDeps } from "./daytona-subject.ts";
import { testProviderContract } from "./provider-contract.ts";

const emulator = await startDaytonaEmulator();
const deps = toEmulatorDeps({ apiUrl: emulator.url, apiKey: EMULATOR_KEY });
afterAll(() => emulator.close());

// Daytona's program is root there, so that commands get a user of their own; with the default snapshot, which the bundle
// is tested with, they are its user "daytona".
testProviderContract(
  "daytona, from a registry's image,",
  toDaytonaSubject(() => createDaytonaProvider({}, deps), { ...DAYTONA_SPEC, image: "python:3.13-slim" }),
);
