import { lstat, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
import { readDiskEntry } from "../snapshots/changes/disk-entry.ts";
import { whyNotSent } from "../snapshots/rules/explain-path.ts";
import { PROVIDER_IDS } from "../core/provider.ts";
import { SandboxError } from "../core/sandbox-error.ts";
import { checkWorkspacePath, toDisplay } from "../core/workspace-path.ts";
import { isMissing } from "./json-file.ts";
import type { RunCommand, RunRequest, Target } from "./records.ts";

const MAX_LIFETIME_MS = 24 * 60 * 60_000;

/**
 * Rejects a run that cannot work, before anything is made for it.
 * @throws {SandboxError} `invalid` with what to change
 */
export async function checkRunRequest(request: RunRequest): Promise<void> {
  checkTarget(request.target);
  checkEnv(request.env);
  checkRange("timeout", request.timeoutMs, 0, Number.MAX_SAFE_INTEGER);
  checkRange("largest file in MiB", request.maxFileMiB, 0.001, 1024 ** 2);
  for (const { path } of request.overlays) checkWorkspacePath(path, "linux");
  if (request.cwd !== undefined) checkWorkspacePath(request.cwd, "linux");
  await checkWorkspaceRoot(request.workspaceRoot);
  checkCommandText(request.command);
  await checkCommandFile(request);
}

/** @throws {SandboxError} `invalid` when it is no folder */
export async function checkWorkspaceRoot(root: string): Promise<void> {
  if (!isAbsolute(root) || root.includes("\0"))
    throw new SandboxError("invalid", "The workspace has to be an absolute path of a folder.");
  try {
    if ((await stat(root)).isDirectory()) return;
  } catch (error) {
    if (!isMissing(error))
      throw new SandboxError("invalid", `The workspace ${toDisplay(root)} cannot be read. Check its permissions.`, {
        cause: error,
      });
  }
  throw new SandboxError(
    "invalid",
    `The workspace ${toDisplay(root)} is not a folder. Open a folder that exists and run again.`,
  );
}

/** @throws {SandboxError} `invalid` with the limit that is out of range */
export function checkTarget(target: Target): void {
  if (!PROVIDER_IDS.includes(target.providerId)) {
    const names = PROVIDER_IDS.join(", ");
    throw new SandboxError(
      "invalid",
      `There is no provider "${toDisplay(target.providerId)}". Choose one of: ${names}.`,
    );
  }
  checkRange("memory in MiB", target.memoryMiB, 1, 1024 ** 3);
  checkRange("number of CPUs", target.cpus, 0.01, 4096);
  checkRange("number of processes", target.maxProcesses, 1, 1024 ** 2);
  checkRange("disk in MiB", target.diskMiB, 1, 1024 ** 3);
  checkRange("lifetime in milliseconds", target.lifetimeMs, 1, MAX_LIFETIME_MS);
}

function checkRange(name: string, value: number, min: number, max: number): void {
  if (Number.isFinite(value) && value >= min && value <= max) return;
  throw new SandboxError(
    "invalid",
    `The ${name} has to be between ${min} and ${max}; it is ${value}. Change the setting or option.`,
  );
}

function checkEnv(env: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw new SandboxError("invalid", `"${toDisplay(name)}" is no name for an environment variable.`);
    checkText(value, `The environment variable ${name}`);
  }
}

function checkText(text: string, what: string): void {
  if (text.includes("\0"))
    throw new SandboxError("invalid", `${what} has a NUL character, which no command can be given.`);
}

function checkCommandText(command: RunCommand): void {
  if (command.kind === "shell") return;
  if (command.kind === "line") {
    checkText(command.line, "The command");
    if (command.line.trim() === "") throw new SandboxError("invalid", "The command is empty.");
    return;
  }
  if (command.kind === "cell") return checkText(command.code, "The code");
  const words = command.kind === "argv" ? command.argv : command.args;
  for (const word of words) checkText(word, "An argument");
  if (command.kind === "argv" && !command.argv[0]) throw new SandboxError("invalid", "The command is empty.");
}

async function checkCommandFile(request: RunRequest): Promise<void> {
  const { command, workspaceRoot } = request;
  if (command.kind === "cell") return checkCell(command.path, request);
  if (command.kind !== "file" && command.kind !== "code") return;
  if (command.path === "") throw new SandboxError("invalid", "The workspace is a folder; choose a file to run.");
  checkWorkspacePath(command.path, "linux");
  // What a snapshot has is known only when it is read.
  if (request.snapshotId !== undefined) return;
  if (command.kind === "code") {
    if ((await readDiskEntry(workspaceRoot, command.path)) === undefined) return;
    throw new SandboxError(
      "invalid",
      `${toDisplay(command.path)} is there already: code that is not a file needs a path of its own.`,
    );
  }
  // Text on screen is sent even when the disk has no such file.
  if (!request.overlays.some(({ path }) => path === command.path)) await checkScript(request, command.path);
}

// What a cell stands in need not be on disk.
function checkCell(path: string, { snapshotId, batch }: RunRequest): void {
  checkWorkspacePath(path, "linux");
  if (snapshotId !== undefined || batch)
    throw new SandboxError(
      "invalid",
      "Cells go on from one another, in the workspace's session. Run the file instead.",
    );
}

async function checkScript(request: RunRequest, path: string): Promise<void> {
  const file = join(request.workspaceRoot, path);
  const where = toDisplay(file);
  const maxFileBytes = request.maxFileMiB * 1024 ** 2;
  const reason = whyNotSent(request.workspaceRoot, path, maxFileBytes) ?? (await whyLinkLeadsNowhere(request, file));
  if (reason !== undefined)
    throw new SandboxError("invalid", `${where} cannot be run: ${reason.replace(/\.$/, "")}.${toRemedy(reason)}`);
  const found = await stat(file).catch(() => undefined);
  if (!found) throw new SandboxError("invalid", `${where} cannot be run: it has just been removed.`);
  if (found.isDirectory()) throw new SandboxError("invalid", `${where} is a folder; choose a file to run.`);
}

function toRemedy(reason: string): string {
  if (reason.startsWith("left out by"))
    return ' Change that rule, or let the file in with a line "!…" in .sandboxignore.';
  return reason === "it does not exist" ? " Check its name and folder." : "";
}

// A link is sent as a link: what it leads to has to be in the workspace, and sent.
async function whyLinkLeadsNowhere(
  { workspaceRoot, maxFileMiB }: RunRequest,
  file: string,
): Promise<string | undefined> {
  const root = await realpath(workspaceRoot);
  const target = await realpath(file).catch(() => undefined);
  const isLink = (await lstat(file).catch(() => undefined))?.isSymbolicLink() ?? false;
  // It was there a moment ago.
  if (target === undefined) return isLink ? "it is a link to nothing" : "it does not exist";
  const path = relative(root, target).split(sep).join("/");
  if (path === "" || path.startsWith("../") || isAbsolute(path)) return "it is a link to outside of the workspace";
  if (file === join(workspaceRoot, path)) return undefined;
  const reason = whyNotSent(root, path, maxFileMiB * 1024 ** 2);
  return reason === undefined ? undefined : `it is a link to ${toDisplay(path)}, which is not sent (${reason})`;
}
