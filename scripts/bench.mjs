// npm run bench: installs what is missing, takes the numbers and writes them to test/bench/RESULTS.md. Takes the names of
// benches, such as `npm run bench -- snapshots`.
import { setUpForTests } from "./setup/for-tests.mjs";
import { runProgram } from "./setup/run-program.mjs";
import { toMessage } from "./setup/step.mjs";

try {
  await setUpForTests(["rsync"]);
  process.exitCode = await runProgram("test/bench/run-bench.ts", process.argv.slice(2));
} catch (error) {
  console.error(toMessage(error));
  process.exitCode = 1;
}
