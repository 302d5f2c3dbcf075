import { PROVIDER_IDS, type ProviderId } from "../core/provider.ts";
import type { TerminalSize } from "../core/sandbox.ts";
import type { BatchPlan, CostPolicy } from "../sessions/cloud-records.ts";
import type { PathSelection } from "../sessions/engine.ts";
import type { Overlay, RunRequest, Target } from "../sessions/records.ts";
import type { PreviewRequest, RetentionPolicy, SnapshotSource } from "../sessions/snapshot-records.ts";

/*
 * Whether what a client sent is what a method takes. A client may be of another build, or not ours at all.
 */

/** Whether a value is an object with named fields. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isText(value: unknown): value is string {
  return typeof value === "string";
}

export function isFlag(value: unknown): value is boolean {
  return typeof value === "boolean";
}

export function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

export function isTextRecord(value: unknown): value is Readonly<Record<string, string>> {
  return isRecord(value) && Object.values(value).every(isText);
}

export function isSelection(value: unknown): value is PathSelection {
  return value === "all" || isTexts(value);
}

export function isSize(value: unknown): value is TerminalSize {
  return (
    isRecord(value) && [value["columns"], value["rows"]].every((count) => Number.isInteger(count) && Number(count) > 0)
  );
}

export function isTarget(value: unknown): value is Target {
  if (!isRecord(value)) return false;
  const numbers = ["memoryMiB", "cpus", "maxProcesses", "diskMiB", "lifetimeMs"].map((name) => value[name]);
  const texts = [value["image"], value["gpu"]].filter((text) => text !== undefined);
  const lists = [value["allowedHosts"], value["gpuFallbacks"]].filter((list) => list !== undefined);
  return (
    isText(value["providerId"]) &&
    isTextRecord(value["options"]) &&
    ["none", "allow-list", "full"].some((network) => network === value["network"]) &&
    numbers.every((number) => typeof number === "number") &&
    texts.every(isText) &&
    lists.every(isTexts) &&
    isOptional(value["ports"], (ports) => Array.isArray(ports) && ports.every(isNumber))
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
    case "cell":
      return ["path", "language", "code"].every((name) => isText(value[name]));
    default:
      return value["kind"] === "shell";
  }
}

function isOverlay(value: unknown): value is Overlay {
  return isRecord(value) && isText(value["path"]) && isText(value["text"]);
}

function isOverlays(value: unknown): value is readonly Overlay[] {
  return Array.isArray(value) && value.every(isOverlay);
}

export function isSnapshotSource(value: unknown): value is SnapshotSource {
  if (!isRecord(value)) return false;
  if (value["kind"] === "session") return isText(value["sessionId"]);
  return (
    value["kind"] === "workspace" &&
    isText(value["workspaceRoot"]) &&
    isOverlays(value["overlays"]) &&
    isNumber(value["maxFileMiB"])
  );
}

export function isSnapshotUpdate(value: unknown): value is { readonly name?: string; readonly isPinned?: boolean } {
  return isRecord(value) && isOptional(value["name"], isText) && isOptional(value["isPinned"], isFlag);
}

export function isPreviewRequest(value: unknown): value is PreviewRequest {
  return (
    isRecord(value) &&
    isText(value["workspaceRoot"]) &&
    isTarget(value["target"]) &&
    isOverlays(value["overlays"]) &&
    isNumber(value["maxFileMiB"])
  );
}

export function isRetentionPolicy(value: unknown): value is RetentionPolicy {
  return isRecord(value) && ["maxSnapshots", "maxAgeDays", "maxTotalMiB"].every((name) => isNumber(value[name]));
}

export function isProviderId(value: unknown): value is ProviderId {
  return PROVIDER_IDS.some((id) => id === value);
}

export function isCostPolicy(value: unknown): value is CostPolicy {
  return (
    isRecord(value) &&
    [value["perRunUsd"], value["perDayUsd"]].every(isNumber) &&
    isRecord(value["prices"]) &&
    Object.values(value["prices"]).every(isNumber)
  );
}

export function isBatchPlan(value: unknown): value is BatchPlan {
  return isRecord(value) && isNumber(value["count"]) && isOptional(value["concurrency"], isNumber);
}

function isOptional(value: unknown, fits: (value: unknown) => boolean): boolean {
  return value === undefined || fits(value);
}

export function isRunRequest(value: unknown): value is RunRequest {
  if (!isRecord(value)) return false;
  const fields: readonly [string, (field: unknown) => boolean][] = [
    ["workspaceRoot", isText],
    ["target", isTarget],
    ["command", isCommand],
    ["env", isTextRecord],
    ["overlays", isOverlays],
    ["languages", (field) => isRecord(field) && Object.values(field).every(isTexts)],
    ["pty", (field) => isOptional(field, isSize)],
    ["cwd", (field) => isOptional(field, isText)],
    ["title", (field) => isOptional(field, isText)],
    ["timeoutMs", isNumber],
    ["budgetUsd", (field) => isOptional(field, isNumber)],
    ["maxFileMiB", isNumber],
    ["maxUploadMiB", isNumber],
    ["allowedSecrets", (field) => field === "all" || isTexts(field)],
    ["snapshotId", (field) => isOptional(field, isText)],
    ["origin", isText],
    ["stopOnDisconnect", isFlag],
    ["pull", isFlag],
  ];
  return fields.every(([name, fits]) => fits(value[name]));
}

export function isNumber(value: unknown): value is number {
  return typeof value === "number";
}
