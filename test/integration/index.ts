import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import Mocha from "mocha";
import { describeCommands } from "./commands.ts";
import { describeIgnoreFile } from "./ignore-file.ts";
import { describeReview } from "./review.ts";
import { describeRuns } from "./runs.ts";
import { describeSettings } from "./settings.ts";
import { describeSnapshots } from "./snapshots.ts";
import { describeVirtualFolders } from "./virtual.ts";

/** What the extension host calls: it rejects when a test fails. The report goes to test-results/ext-host.json. */
export async function run(): Promise<void> {
  const results = resolve(__dirname, "..", "test-results");
  mkdirSync(results, { recursive: true });
  const reporterOptions = { output: join(results, "ext-host.json") };
  const mocha = new Mocha({ ui: "bdd", timeout: 60_000, color: false, reporter: "json", reporterOptions });
  mocha.suite.emit("pre-require", globalThis, "", mocha);
  describeCommands();
  describeSettings();
  describeIgnoreFile();
  describeRuns();
  describeReview();
  describeSnapshots();
  describeVirtualFolders();
  const failures = await new Promise<number>((done) => {
    const runner = mocha.run(done);
    runner.on("pass", (test) => console.log(`✓ ${test.fullTitle()} (${test.duration} ms)`));
    runner.on("fail", (test, error: Error) => console.error(`✗ ${test.fullTitle()}: ${error.stack ?? error.message}`));
  });
  if (failures > 0) throw new Error(`${failures} failed`);
}
