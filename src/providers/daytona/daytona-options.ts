import { SandboxError } from "../../core/sandbox-error.ts";
import { toDisplay } from "../../core/workspace-path.ts";
import { readServerUrl } from "../server-url.ts";

/** What a target says about Daytona. */
export interface DaytonaOptions {
  /** Of one that somebody hosts themselves; Daytona's own when left out. */
  readonly apiUrl?: string;
  /** The account's default when left out. */
  readonly region?: string;
  /** How long a paused sandbox keeps its fast disk before Daytona moves it to a cheaper one; Daytona's default when left out. */
  readonly autoArchiveMinutes?: number;
  /** Whether a GPU may be one that Daytona can take back at any time, for less money. */
  readonly spot: boolean;
}

const REGION = /^[A-Za-z0-9._-]{1,63}$/;
const LONGEST_ARCHIVE_MINUTES = 30 * 24 * 60;

/** Reads the options that `registry.ts` lists. @throws {SandboxError} `invalid`, naming the option */
export function parseDaytonaOptions(options: Readonly<Record<string, string>>): DaytonaOptions {
  const apiUrl = readServerUrl(options, "apiUrl");
  const region = options["region"]?.trim();
  if (region && !REGION.test(region)) refuse("region", `is "${toDisplay(region)}", which cannot be a region`);
  const autoArchiveMinutes = readMinutes(options["autoArchiveMinutes"]);
  return {
    ...(apiUrl === undefined ? {} : { apiUrl }),
    ...(region ? { region } : {}),
    ...(autoArchiveMinutes === undefined ? {} : { autoArchiveMinutes }),
    spot: readSwitch(options["spot"]),
  };
}

function readMinutes(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const minutes = Number(text);
  if (!Number.isInteger(minutes) || minutes < 1 || minutes > LONGEST_ARCHIVE_MINUTES)
    refuse("autoArchiveMinutes", `has to be a whole number from 1 to ${LONGEST_ARCHIVE_MINUTES}`);
  return minutes;
}

function readSwitch(text: string | undefined): boolean {
  const value = text || "false";
  if (value !== "true" && value !== "false") refuse("spot", 'has to be "true" or "false"');
  return value === "true";
}

function refuse(name: keyof DaytonaOptions, why: string): never {
  throw new SandboxError("invalid", `Daytona's option "${name}" ${why}. Correct the target's options.`);
}
