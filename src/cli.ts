#!/usr/bin/env node
// The command line: a second door to the engine that the editor uses.
import { listBatches } from "./cli/batch.ts";
import { manageContexts } from "./cli/cell-contexts.ts";
import { checkNode } from "./cli/check-node.ts";
import { type CliContext, createContext } from "./cli/connect.ts";
import { FAILED } from "./cli/exit-code.ts";
import { HELP } from "./cli/help.ts";
import { listImages, saveImage } from "./cli/image.ts";
import {
  applyChanges,
  destroySession,
  discardChanges,
  listChanges,
  listRuns,
  listSessions,
  printLog,
} from "./cli/manage.ts";
import { listGpus, manageBudget, showCosts } from "./cli/costs.ts";
import { readOwnVersion } from "./cli/own-version.ts";
import { pauseSession, resumeSession } from "./cli/pause.ts";
import { openPort } from "./cli/port.ts";
import { forkSession, pullSession } from "./cli/pull.ts";
import { run } from "./cli/run.ts";
import { snapshots } from "./cli/snapshots.ts";
import { manageStorage } from "./cli/storage.ts";
import { allowSecrets, explainPath, previewUpload } from "./cli/upload.ts";
import { UsageError } from "./cli/usage-error.ts";
import { SandboxError, toMessage } from "./core/sandbox-error.ts";

const COMMANDS: ReadonlyMap<string, (context: CliContext) => Promise<number>> = new Map([
  ["run", run],
  ["runs", listRuns],
  ["batches", listBatches],
  ["logs", printLog],
  ["changes", listChanges],
  ["apply", applyChanges],
  ["discard", discardChanges],
  ["sessions", listSessions],
  ["destroy", destroySession],
  ["pause", pauseSession],
  ["resume", resumeSession],
  ["port", openPort],
  ["contexts", manageContexts],
  ["image", saveImage],
  ["images", listImages],
  ["pull", pullSession],
  ["fork", forkSession],
  ["snapshots", snapshots],
  ["costs", showCosts],
  ["gpus", listGpus],
  ["budget", manageBudget],
  ["storage", manageStorage],
  ["preview", previewUpload],
  ["why", explainPath],
  ["allow-secret", allowSecrets],
]);
const HELP_OPTIONS: ReadonlySet<string | undefined> = new Set(["--help", "-h"]);

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === "--version" || name === "-v") return print(`${readOwnVersion(import.meta.url)}\n`);
  if (HELP_OPTIONS.has(name) || name === "help") return print(HELP);
  const command = COMMANDS.get(name ?? "");
  if (!command) throw new UsageError(name === undefined ? "Say what to do." : `There is no command "${name}".`);
  if (HELP_OPTIONS.has(args[0])) return print(HELP);
  checkNode();
  return await command(createContext(import.meta.url, args));
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function fail(error: unknown): number {
  if (process.argv.includes("--json") && !(error instanceof UsageError)) {
    const code = error instanceof SandboxError ? error.code : "unavailable";
    process.stdout.write(`${JSON.stringify({ type: "error", code, message: toMessage(error) })}\n`);
    process.stdout.write(`${JSON.stringify({ type: "end", exitCode: FAILED })}\n`);
  } else {
    const hint = error instanceof UsageError ? "\nSee: sandpiper --help" : "";
    process.stderr.write(`sandpiper: ${toMessage(error)}${hint}\n`);
  }
  return FAILED;
}

process.exitCode = await main(process.argv.slice(2)).catch(fail);
// Input that is still open would keep the process; nothing is left to be written.
process.stdin.destroy();
