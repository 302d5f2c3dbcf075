import type { StorageReport } from "../sessions/snapshot-records.ts";
import type { CliContext } from "./connect.ts";
import { describeSize } from "../sessions/describe-size.ts";
import { parseCount } from "./parse-target.ts";
import { parseWords, withEngine } from "./with-engine.ts";

const OPTIONS = {
  "max-snapshots": { type: "string" },
  "max-age": { type: "string" },
  "max-size": { type: "string" },
  json: { type: "boolean" },
} as const;

/** `sandpiper storage`: what snapshots take on disk; changes how long they are kept when told to. */
export async function manageStorage(context: CliContext): Promise<number> {
  const { values } = parseWords(context.args, OPTIONS, 0);
  const { "max-snapshots": snapshots, "max-age": age, "max-size": size } = values;
  return await withEngine(context, async (engine, { print, printJson }) => {
    const { policy } = await engine.readStorage();
    if ([snapshots, age, size].some((value) => value !== undefined))
      await engine.setRetention({
        maxSnapshots: parseCount("--max-snapshots", snapshots, policy.maxSnapshots),
        maxAgeDays: parseCount("--max-age", age, policy.maxAgeDays),
        maxTotalMiB: parseCount("--max-size", size, policy.maxTotalMiB),
      });
    const report = await engine.readStorage();
    if (values.json) await printJson(report);
    else for (const line of describeStorage(report)) await print(line);
    return 0;
  });
}

function describeStorage({ snapshotCount, storedBytes, policy }: StorageReport): readonly string[] {
  const { maxSnapshots, maxAgeDays, maxTotalMiB } = policy;
  return [
    `${snapshotCount} ${snapshotCount === 1 ? "snapshot" : "snapshots"}, ${describeSize(storedBytes)} on disk`,
    `Kept: at most ${maxSnapshots} in a workspace, ${maxAgeDays} days, ${describeSize(maxTotalMiB * 2 ** 20)} in all; pinned and named ones always`,
  ];
}
