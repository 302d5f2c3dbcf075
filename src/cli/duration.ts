import { UsageError } from "./usage-error.ts";

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of "90s", "10m", "1.5h", "500ms"; a bare number is seconds. @throws {UsageError} */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  const unit = UNITS_MS[match?.[2] ?? "s"];
  if (!match || unit === undefined) throw new UsageError(`"${text}" is no time. Write it as 90s, 10m or 2h.`);
  return Math.round(Number(match[1]) * unit);
}
