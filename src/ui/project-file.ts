import { closeSync } from "node:fs";
import { join } from "node:path";
import * as vscode from "vscode";
import { openRegularFile, readWhole } from "../snapshots/regular-file.ts";
import { EditorError } from "./show-error.ts";

const NAME = ".sandbox.json";
const MOST_BYTES = 64 * 1024;
const MOST_PORTS = 32;

/**
 * Ports that the folder's .sandbox.json declares: `{"ports": [8000]}`. Nothing else in it is heeded, as it comes with the
 * folder: what costs money, opens the network or sends files elsewhere is the user's to say. [] in a folder that is not
 * trusted, and in one that is not on this machine's disk.
 * @throws {EditorError} `invalid` for a file that cannot be what was meant
 */
export function readProjectPorts(folder: vscode.Uri): readonly number[] {
  if (!vscode.workspace.isTrusted || folder.scheme !== "file") return [];
  const text = readText(folder);
  if (text === undefined) return [];
  const ports = parse(folder, text)["ports"] ?? [];
  if (!Array.isArray(ports) || ports.length > MOST_PORTS || !ports.every(isPort))
    throw refuse(folder, vscode.l10n.t("ports has to be a list of at most {0} port numbers", MOST_PORTS));
  return ports;
}

/** Whether it is a number that a TCP port can have. */
function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value < 65_536;
}

/** Synchronous, as targets are read where the user just clicked; the file is small and read in one go. */
function readText(folder: vscode.Uri): string | undefined {
  const opened = open(folder);
  if (!opened) return undefined;
  const { descriptor, stat } = opened;
  try {
    if (stat.size > MOST_BYTES) throw refuse(folder, vscode.l10n.t("it is larger than {0} KiB", MOST_BYTES / 1024));
    return readWhole(descriptor, Number(stat.size)).toString("utf8");
  } finally {
    closeSync(descriptor);
  }
}

function open(folder: vscode.Uri): ReturnType<typeof openRegularFile> {
  let opened: ReturnType<typeof openRegularFile>;
  try {
    opened = openRegularFile(join(folder.fsPath, NAME));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    // Links among them: they could lead out of the folder.
    throw refuse(folder, vscode.l10n.t("it is not a file that can be read"));
  }
  if (!opened) throw refuse(folder, vscode.l10n.t("it is not a file that can be read"));
  return opened;
}

function parse(folder: vscode.Uri, text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return Object.fromEntries(Object.entries(value));
  } catch {
    // Said below.
  }
  throw refuse(folder, vscode.l10n.t("it is not a JSON object"));
}

function refuse(folder: vscode.Uri, why: string): EditorError {
  const openFile = {
    title: vscode.l10n.t("Open {0}", NAME),
    command: "vscode.open",
    args: [vscode.Uri.joinPath(folder, NAME)],
  };
  return new EditorError("invalid", vscode.l10n.t("{0} cannot be used: {1}.", NAME, why), [openFile]);
}
