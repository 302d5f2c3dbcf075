// npm test: installs what is missing and runs every layer of tests. What cannot be installed here skips the layers that
// need it, with the reason; with CI=true it fails them. The last line counts all. Arguments name the layers to run.
// Runs on whatever Node the machine has (20 or newer), before any package is installed.
import { setUpForTests } from "./setup/for-tests.mjs";
import { runProgram } from "./setup/run-program.mjs";
import { toMessage } from "./setup/step.mjs";

try {
  await setUpForTests();
  process.exitCode = await runProgram("test/rig/run-tests.ts", process.argv.slice(2));
} catch (error) {
  console.error(toMessage(error));
  console.log("0 passed, 1 failed, 0 skipped");
  process.exitCode = 1;
}
