import { writeFileSync } from "node:fs";
import type { Reporter, TestCase, TestModule } from "vitest/node";
import { describeCounts, type Counts } from "./counts.ts";

/** Names the file into which {@link CountReporter} writes. */
export const COUNTS_FILE = "SANDPIPER_COUNTS_FILE";

/**
 * Writes a line of counts for `npm test`, and says which tests needed a second try and why others were skipped. A file that could not be loaded and an
 * error outside of any test count as a failure each.
 */
export class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => Array.from(module.children.allTests()));
    const inState = (state: string) => tests.filter((test) => test.result().state === state).length;
    const broken = modules.filter((module) => module.errors().length > 0 || hasBrokenSuite(module)).length;
    const counts: Counts = {
      passed: inState("passed"),
      failed: inState("failed") + broken + errors.length,
      skipped: inState("skipped"),
    };
    for (const test of tests.filter((each) => each.diagnostic()?.flaky))
      console.log(`Passed only at the second try: ${test.module.relativeModuleId}: ${test.fullName}`);
    for (const [reason, count] of countSkipReasons(tests)) console.log(`Skipped ${count}: ${reason}`);
    const file = process.env[COUNTS_FILE];
    if (file !== undefined) writeFileSync(file, describeCounts(counts));
  }
}

/** A hook of a suite that failed takes its tests along as skipped. */
function hasBrokenSuite(module: TestModule): boolean {
  return Array.from(module.children.allSuites()).some((suite) => suite.errors().length > 0);
}

function countSkipReasons(tests: readonly TestCase[]): ReadonlyMap<string, number> {
  const reasons = new Map<string, number>();
  for (const test of tests) {
    const result = test.result();
    if (result.state !== "skipped") continue;
    const reason = result.note ?? `${test.module.relativeModuleId}: ${test.fullName}`;
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return reasons;
}
