import { ApiError } from "./api-error.ts";
import type { EmulatedSandbox } from "./sandbox.ts";
import { toListItem } from "./to-dto.ts";

const DEFAULT_LIMIT = 100;

/**
 * One page of `GET /sandbox`, newest first. The cursor is the last id of the page before; it stays good when that sandbox
 * is gone, as it carries its place, too.
 */
export function listPage(sandboxes: readonly EmulatedSandbox[], query: URLSearchParams, toolboxUrl: string): object {
  const limit = Number(query.get("limit") ?? DEFAULT_LIMIT);
  const newestFirst = sandboxes
    .filter((sandbox) => fits(sandbox, query))
    .sort((one, other) => toPlace(other).localeCompare(toPlace(one)));
  const cursor = query.get("cursor");
  const rest = cursor === null ? newestFirst : newestFirst.filter((sandbox) => toPlace(sandbox) < fromCursor(cursor));
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const nextCursor = last && rest.length > limit ? Buffer.from(toPlace(last)).toString("base64url") : null;
  return { items: page.map((sandbox) => toListItem(sandbox, toolboxUrl)), nextCursor };
}

function fits({ id, labels, parts, state }: EmulatedSandbox, query: URLSearchParams): boolean {
  const states = query.getAll("states").flatMap((given) => given.split(","));
  const wanted = readLabels(query.get("labels"));
  return (
    (states.length === 0 || states.includes(state)) &&
    id.startsWith(query.get("id") ?? "") &&
    parts.name.startsWith(query.get("name") ?? "") &&
    Object.entries(wanted).every(([name, value]) => labels[name] === value)
  );
}

/** @throws 400 */
function readLabels(json: string | null): Record<string, string> {
  try {
    return JSON.parse(json ?? "{}");
  } catch {
    throw new ApiError(400, "Invalid labels JSON format", { source: "DAYTONA_API" });
  }
}

/** Sorts as the creation does. */
function toPlace({ createdAt, id }: EmulatedSandbox): string {
  return `${createdAt.toISOString()} ${id}`;
}

function fromCursor(cursor: string): string {
  return Buffer.from(cursor, "base64url").toString();
}
