import { CELL_ACTIONS, type CellsRequest, type CellsState } from "./cell-messages.ts";

const PLAIN = ["ready", "stop-all", "restart", "clear"] as const;

/** What a web view says, as far as it makes sense; undefined for all else. */
export function readRequest(message: unknown): CellsRequest | undefined {
  const { type, id, ...rest } = toRecord(message);
  const plain = PLAIN.find((each) => each === type);
  if (plain) return { type: plain };
  return typeof id === "string" ? readRequestAbout(id, type, rest) : undefined;
}

function readRequestAbout(id: string, type: unknown, rest: Record<string, unknown>): CellsRequest | undefined {
  const action = CELL_ACTIONS.find((each) => each === type);
  if (action) return { type: action, id };
  const { path, line, index, mime } = rest;
  if (type === "open") return typeof path === "string" && isPlace(line) ? { type, id, path, line } : undefined;
  if (type !== "save" && type !== "copy") return undefined;
  return isPlace(index) && typeof mime === "string" ? { type, id, index, mime } : undefined;
}

/** What a web view kept before a reload; undefined when it names no file. */
export function readState(state: unknown): CellsState | undefined {
  const { workspaceRoot, path, since } = toRecord(state);
  if (typeof workspaceRoot !== "string" || typeof path !== "string") return undefined;
  return { workspaceRoot, path, since: typeof since === "string" ? since : "" };
}

function isPlace(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function toRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
