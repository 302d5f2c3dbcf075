// npm run bench: installs what is missing, takes the numbers and writes them to test/bench/RESULTS.md.
import { setUpForTests } from "./setup/for-tests.mjs";
import { runProgram } from "./setup/run-program.mjs";
import { toMessage } from "./setup/step.mjs";

try {
  await setUpForTests();
  process.exitCode = await runProgram("test/bench/run-bench.ts", []);
} catch (error) {
  console.error(toMessage(error));
  process.exitCode = 1;
}
