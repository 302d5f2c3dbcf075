import { SandboxError } from "../core/sandbox-error.ts";
import type { TerminalSize } from "../core/sandbox.ts";
import type { Engine, PathSelection } from "../sessions/engine.ts";
import type { RunRequest, Target } from "../sessions/records.ts";
import type { Method, Request } from "./protocol.ts";
import { METHODS } from "./protocol.ts";

/** Calls the engine's method that a request names. @throws {SandboxError} `invalid` when the parameters do not fit it */
export async function dispatch(
  engine: Engine,
  method: Exclude<Method, "retire">,
  params: readonly unknown[],
): Promise<unknown> {
  return await CALLS[method](engine, params);
}

type Calls = Readonly<
  Record<Exclude<Method, "retire">, (engine: Engine, params: readonly unknown[]) => Promise<unknown>>
>;

const CALLS: Calls = {
  startRun: (engine, [request]) => engine.startRun(take(request, isRunRequest)),
  writeInput: (engine, [id, data]) => engine.writeInput(take(id, isText), Buffer.from(take(data, isText), "base64")),
  closeInput: (engine, [id]) => engine.closeInput(take(id, isText)),
  resizeRun: (engine, [id, size]) => engine.resizeRun(take(id, isText), take(size, isSize)),
  stopRun: (engine, [id, force]) => engine.stopRun(take(id, isText), take(force, isFlag)),
  startSession: (engine, [root, target]) => engine.startSession(take(root, isText), take(target, isTarget)),
  destroySession: (engine, [id]) => engine.destroySession(take(id, isText)),
  listRuns: (engine) => engine.listRuns(),
  listSessions: (engine) => engine.listSessions(),
  readChanges: (engine, [id]) => engine.readChanges(take(id, isText)),
  applyChanges: (engine, [id, paths, overwrite]) =>
    engine.applyChanges(take(id, isText), take(paths, isSelection), take(overwrite, isTexts)),
  discardChanges: (engine, [id, paths]) => engine.discardChanges(take(id, isText), take(paths, isSelection)),
  checkTarget: (engine, [target]) => engine.checkTarget(take(target, isTarget)),
};

/** Whether a frame is a request that can be answered. */
export function isRequest(frame: unknown): frame is Request {
  return (
    isRecord(frame) &&
    frame["type"] === "request" &&
    typeof frame["id"] === "number" &&
    METHODS.some((method) => method === frame["method"]) &&
    Array.isArray(frame["params"])
  );
}

/** Whether a value is an object with named fields. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function take<T>(value: unknown, fits: (value: unknown) => value is T): T {
  if (fits(value)) return value;
  throw new SandboxError("invalid", "A request to Sandpiper's engine had a parameter of the wrong kind.");
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isFlag(value: unknown): value is boolean {
  return typeof value === "boolean";
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

function isTextRecord(value: unknown): value is Readonly<Record<string, string>> {
  return isRecord(value) && Object.values(value).every(isText);
}

function isSelection(value: unknown): value is PathSelection {
  return value === "all" || isTexts(value);
}

function isSize(value: unknown): value is TerminalSize {
  return (
    isRecord(value) && [value["columns"], value["rows"]].every((count) => Number.isInteger(count) && Number(count) > 0)
  );
}

function isTarget(value: unknown): value is Target {
  if (!isRecord(value)) return false;
  const numbers = ["memoryMiB", "cpus", "maxProcesses", "diskMiB", "lifetimeMs"].map((name) => value[name]);
  const texts = [value["image"], value["gpu"]].filter((text) => text !== undefined);
  return (
    isText(value["providerId"]) &&
    isTextRecord(value["options"]) &&
    (value["network"] === "none" || value["network"] === "full") &&
    numbers.every((number) => typeof number === "number") &&
    texts.every(isText)
  );
}

function isCommand(value: unknown): value is RunRequest["command"] {
  if (!isRecord(value)) return false;
  switch (value["kind"]) {
    case "file":
      return isText(value["path"]) && isTexts(value["args"]);
    case "code":
      return isText(value["path"]) && isText(value["text"]) && isTexts(value["args"]);
    case "argv":
      return isTexts(value["argv"]);
    case "line":
      return isText(value["line"]);
    default:
      return value["kind"] === "shell";
  }
}

function isOverlay(value: unknown): value is RunRequest["overlays"][number] {
  return isRecord(value) && isText(value["path"]) && isText(value["text"]);
}

function isRunRequest(value: unknown): value is RunRequest {
  if (!isRecord(value)) return false;
  const fields: readonly [string, (field: unknown) => boolean][] = [
    ["workspaceRoot", isText],
    ["target", isTarget],
    ["command", isCommand],
    ["env", isTextRecord],
    ["overlays", (field) => Array.isArray(field) && field.every(isOverlay)],
    ["languages", (field) => isRecord(field) && Object.values(field).every(isTexts)],
    ["pty", (field) => field === undefined || isSize(field)],
    ["cwd", (field) => field === undefined || isText(field)],
    ["title", (field) => field === undefined || isText(field)],
    ["timeoutMs", isNumber],
    ["maxFileMiB", isNumber],
    ["origin", isText],
    ["stopOnDisconnect", isFlag],
    ["pull", isFlag],
  ];
  return fields.every(([name, fits]) => fits(value[name]));
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}
