import {
  FILTERS,
  ROW_ACTIONS,
  SORT_KEYS,
  type TableRequest,
  type TableState,
  type TableView,
} from "./batch-messages.ts";

/** The first page of everything. */
export const FIRST_VIEW: TableView = { sort: "index", isDescending: false, filter: "all", page: 0 };

/** What a web view says, as far as it makes sense; undefined for all else. */
export function readRequest(message: unknown): TableRequest | undefined {
  const { type, view, runId } = toRecord(message);
  if (type === "stop") return { type };
  if (type === "view") return { type, view: readView(view) };
  const action = ROW_ACTIONS.find((each) => each === type);
  return action && typeof runId === "string" ? { type: action, runId } : undefined;
}

/** What a web view kept before a reload; undefined when it names no batch. */
export function readState(state: unknown): TableState | undefined {
  const { batchId, view } = toRecord(state);
  return typeof batchId === "string" ? { batchId, view: readView(view) } : undefined;
}

/** What makes no sense in a view is as in {@link FIRST_VIEW}. */
function readView(value: unknown): TableView {
  const { sort, filter, page, isDescending } = toRecord(value);
  return {
    sort: SORT_KEYS.find((each) => each === sort) ?? FIRST_VIEW.sort,
    isDescending: isDescending === true,
    filter: FILTERS.find((each) => each === filter) ?? FIRST_VIEW.filter,
    page: typeof page === "number" && Number.isSafeInteger(page) && page >= 0 ? page : 0,
  };
}

function toRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
