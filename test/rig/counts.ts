/** How the tests of a layer ended. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function addCounts(all: Iterable<Counts>): Counts {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const counts of all) {
    sum.passed += counts.passed;
    sum.failed += counts.failed;
    sum.skipped += counts.skipped;
  }
  return sum;
}

/** "3 passed, 0 failed, 1 skipped": the form in which `npm test` ends. */
export function describeCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** Reads what {@link describeCounts} wrote. */
export function parseCounts(text: string): Counts {
  const [, passed, failed, skipped] = /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(text) ?? [];
  if (skipped === undefined) throw new Error(`These are no counts: ${text}`);
  return { passed: Number(passed), failed: Number(failed), skipped: Number(skipped) };
}
